//! The public network, and homes behind their NATs.

use crate::namespace::{Namespace, number};

/// Something that hosts are plugged into.
pub(crate) trait Segment {
    /// Gives `host` the interface `v0` with an address in 203.0.113.0/24.
    fn plug(&self, host: &Namespace, address: &str);
}

/// A bridge in the kernel, which loses nothing.
pub(crate) struct Bridge {
    namespace: Namespace,
}

impl Bridge {
    pub(crate) fn new() -> Self {
        let namespace = Namespace::new("bridge");
        namespace.ip("link add br0 type bridge");
        namespace.ip("link set br0 up");
        Self { namespace }
    }
}

impl Segment for Bridge {
    fn plug(&self, host: &Namespace, address: &str) {
        let (port, bridge) = (format!("port{}", number()), self.namespace.name());
        host.ip(&format!(
            "link add v0 type veth peer name {port} netns {bridge}"
        ));
        self.namespace.ip(&format!("link set {port} master br0 up"));
        bring_up(host, address);
    }
}

pub(crate) fn bring_up(host: &Namespace, address: &str) {
    host.ip(&format!("addr add {address}/24 dev v0"));
    host.ip("link set v0 up");
}

/// How a NAT chooses the public port.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ports {
    /// The same as inside: whoever is written to from there sees the same port.
    Kept,
    /// Any, another one for each remote address.
    Random,
}

/// A router with a NAT, and one host behind it.
pub(crate) struct Home {
    pub(crate) router: Namespace,
    pub(crate) host: Namespace,
}

impl Home {
    /// All homes have the same private addresses, as real ones do.
    pub(crate) fn new(segment: &dyn Segment, label: &str, address: &str, ports: Ports) -> Self {
        let router = Namespace::new(&format!("nat-{label}"));
        let host = Namespace::new(label);
        segment.plug(&router, address);
        let home = host.name();
        router.ip(&format!(
            "link add lan0 type veth peer name eth0 netns {home}"
        ));
        router.ip("addr add 192.168.1.1/24 dev lan0");
        router.ip("link set lan0 up");
        host.ip("addr add 192.168.1.2/24 dev eth0");
        host.ip("link set eth0 up");
        host.ip("route add default via 192.168.1.1");
        router.run("sysctl -qw net.ipv4.ip_forward=1");
        let how = match ports {
            Ports::Kept => "",
            Ports::Random => "fully-random",
        };
        // What nobody inside has asked for is dropped as routers do it: were it let in to the router
        // itself, it would take the port that the host behind will need.
        router.add_rules(&format!(
            "table ip nat {{
                chain postrouting {{
                    type nat hook postrouting priority 100;
                    oifname \"v0\" masquerade {how}
                }}
            }}
            table ip filter {{
                chain input {{
                    type filter hook input priority 0;
                    iifname \"v0\" drop
                }}
                chain forward {{
                    type filter hook forward priority 0; policy drop;
                    iifname \"lan0\" accept
                    ct state established,related accept
                }}
            }}\n"
        ));
        Self { router, host }
    }

    /// The NAT forgets which port belongs to whom.
    pub(crate) fn forget(&self) {
        self.router.run("conntrack -F");
    }
}

/// From now on the host loses so many of 100 datagrams that arrive.
pub(crate) fn lose(host: &Namespace, percent: u32) {
    host.add_rules(&format!(
        "table inet loss {{
            counter lost {{ }}
            chain input {{
                type filter hook input priority 0;
                meta l4proto udp numgen random mod 100 < {percent} counter name lost drop
            }}
        }}\n"
    ));
}

/// How many datagrams the host has lost.
pub(crate) fn lost(host: &Namespace) -> u64 {
    let counter = host.run("nft list counter inet loss lost");
    let mut words = counter.split_whitespace();
    words.find(|word| *word == "packets");
    let count = words.next().expect("how many");
    count.parse().expect("a number")
}
