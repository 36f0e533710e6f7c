//! The UDP socket: bound once, for IPv4 and IPv6, read and written in batches.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket},
};

use chat_core::id::Path;
use mio::{Interest, Registry, Token, net::UdpSocket};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use crate::batch::Batch;

/// The longest datagram, or group of datagrams that the kernel hands over as one (UDP GRO).
const BUFFER_BYTES: usize = 1 << 16;
/// What is asked of the kernel for each direction; it may give less.
const KERNEL_BUFFER_BYTES: usize = 4 << 20;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another program has the port.
    #[error("port {port} is already in use")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The address is not one of this machine's.
    #[error("{address} is not an address of this machine")]
    NoSuchAddress {
        /// The address.
        address: IpAddr,
    },
    /// The system refuses.
    #[error("cannot listen on {address}: {source}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// What the socket has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketCounters {
    /// Datagrams that were received.
    pub received: u64,
    /// Calls that received them.
    pub receive_calls: u64,
    /// Datagrams that the kernel took.
    pub sent: u64,
    /// Calls that sent them.
    pub send_calls: u64,
    /// Datagrams that the kernel refused; they count as lost.
    pub refused: u64,
}

/// Whether the kernel took a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It did, or will never.
    Yes,
    /// Its buffer is full: the same again when the socket is writable.
    Blocked,
}

/// A UDP socket.
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    address: SocketAddr,
    buffers: Vec<Vec<u8>>,
    counters: SocketCounters,
}

impl Socket {
    /// Binds `port` (0: any free one) on `listen`, or on all addresses, IPv4 and IPv6.
    pub(crate) fn bind(listen: Option<IpAddr>, port: u16) -> Result<Self, BindError> {
        let address = SocketAddr::new(listen.unwrap_or(Ipv6Addr::UNSPECIFIED.into()), port);
        let raw = match open(address) {
            Err(error) if listen.is_none() && has_no_ipv6(&error) => {
                open((Ipv4Addr::UNSPECIFIED, port).into())
            }
            other => other,
        };
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::PortInUse { port },
            io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress {
                address: address.ip(),
            },
            _ => BindError::Refused { address, source },
        };
        raw.and_then(Self::new).map_err(refused)
    }

    fn new(socket: StdSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        // Less than asked for is no failure.
        let _ = state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER_BYTES);
        let _ = state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER_BYTES);
        let address = socket.local_addr()?;
        Ok(Self {
            io: UdpSocket::from_std(socket),
            state,
            address,
            buffers: vec![vec![0; BUFFER_BYTES]; BATCH_SIZE],
            counters: SocketCounters::default(),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn counters(&self) -> SocketCounters {
        self.counters
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.io, token, Interest::READABLE)
    }

    /// Whether the loop is woken when the socket can be written. Otherwise it is not, since every
    /// datagram that leaves would wake it.
    pub(crate) fn wait_writable(
        &mut self,
        registry: &Registry,
        token: Token,
        writable: bool,
    ) -> io::Result<()> {
        let interest = if writable {
            Interest::READABLE | Interest::WRITABLE
        } else {
            Interest::READABLE
        };
        registry.reregister(&mut self.io, token, interest)
    }

    /// How many datagrams one call sends.
    pub(crate) fn max_batch(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Receives what one call receives and hands out each datagram. `false`: nothing was there.
    pub(crate) fn receive(&mut self, mut deliver: impl FnMut(Path, &mut [u8])) -> io::Result<bool> {
        let mut meta = [RecvMeta::default(); BATCH_SIZE];
        let count = {
            let mut slices: Vec<_> = self
                .buffers
                .iter_mut()
                .map(|buffer| IoSliceMut::new(buffer))
                .collect();
            match self.state.recv((&self.io).into(), &mut slices, &mut meta) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        };
        self.counters.receive_calls += 1;
        for (meta, buffer) in meta.iter().zip(&mut self.buffers).take(count) {
            let path = Path {
                local: meta.dst_ip.map(|ip| ip.to_canonical()),
                remote: canonical(meta.addr),
            };
            let bytes = buffer.get_mut(..meta.len).unwrap_or_default();
            if bytes.is_empty() {
                self.counters.received += 1;
                deliver(path, bytes);
            }
            for datagram in bytes.chunks_mut(meta.stride.max(1)) {
                self.counters.received += 1;
                deliver(path, datagram);
            }
        }
        Ok(true)
    }

    /// Sends a batch. What the kernel refuses is lost, as on any network.
    pub(crate) fn send(&mut self, batch: &Batch) -> Sent {
        let Some(path) = batch.path() else {
            return Sent::Yes;
        };
        if path.remote.port() == 0 || path.remote.is_ipv6() && self.address.is_ipv4() {
            // The kernel's answer to these would turn segmentation off for all.
            self.counters.refused += 1;
            return Sent::Yes;
        }
        match self.try_send(path, batch.bytes(), batch.segment()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Blocked,
            Err(error) => {
                self.send_singly(path, batch, &error);
                Sent::Yes
            }
            Ok(()) => Sent::Yes,
        }
    }

    /// The second attempt, for what can be at fault: segmentation, or a local address that is gone.
    fn send_singly(&mut self, path: Path, batch: &Batch, error: &io::Error) {
        tracing::debug!(remote = %path.remote, %error, "sending failed");
        if batch.segment().is_none() && path.local.is_none() {
            self.counters.refused += 1;
            return;
        }
        let length = batch.segment().unwrap_or(batch.bytes().len()).max(1);
        for datagram in batch.bytes().chunks(length) {
            if self
                .try_send(Path::to(path.remote), datagram, None)
                .is_err()
            {
                self.counters.refused += 1;
            }
        }
    }

    fn try_send(&mut self, path: Path, contents: &[u8], segment: Option<usize>) -> io::Result<()> {
        let destination = match path.remote {
            SocketAddr::V4(v4) if self.address.is_ipv6() => {
                SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
            }
            other => other,
        };
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size: segment,
            src_ip: path
                .local
                .filter(|local| local.is_ipv4() == path.remote.is_ipv4()),
        };
        self.state.try_send((&self.io).into(), &transmit)?;
        self.counters.send_calls += 1;
        self.counters.sent += segment.map_or(1, |size| contents.len().div_ceil(size) as u64);
        Ok(())
    }
}

fn open(address: SocketAddr) -> io::Result<StdSocket> {
    let socket = RawSocket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The kernel has no IPv6, or no address for it.
fn has_no_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = if cfg!(target_os = "linux") { 97 } else { 47 };
    error.raw_os_error() == Some(EAFNOSUPPORT)
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
}

/// IPv4 addresses as such, never in their IPv6-mapped form.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(v4.into(), v6.port()),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
