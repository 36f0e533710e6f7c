//! A bot on the ready-made driver: it answers every direct message with the same text.
//!
//! ```sh
//! cargo run -p chat-mio --example echo_bot -- echo 127.0.0.1:5000
//! ```

use std::{env, net::SocketAddr, process::ExitCode};

use chat_core::{
    client::{Client, Command, Ended, Event},
    conversation::Conversation,
    name::Name,
};
use chat_mio::{ClientLoop, ClientSetup, Control, Frontend};

struct Echo;

impl Frontend<Client> for Echo {
    fn event(&mut self, control: &mut Control<'_, Client>, event: Event) {
        match event {
            Event::Message {
                sender,
                conversation: Conversation::User(_),
                text,
                ..
            } if sender != *control.machine.name() => {
                let text = text.as_str().into();
                let answer = Command::Send { to: sender, text };
                if let Err(error) = control.machine.handle_command(control.now, answer) {
                    eprintln!("not answered: {error}");
                }
            }
            Event::ServerTrusted { key } => eprintln!("the server's key: {}", key.fingerprint()),
            Event::Registered { name, .. } => eprintln!("online as {name}"),
            _ => {}
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(name), Some(server)) = (arguments.next(), arguments.next()) else {
        return Err("usage: echo_bot <name> <server-ip>:<server-port>".into());
    };
    let (name, server): (Name, SocketAddr) = (name.parse()?, server.parse()?);
    // Nothing is kept on disk: the name is free again when the bot has left.
    let mut client = ClientLoop::new(ClientSetup::new(name, server))?;
    Ok(match client.run(&mut Echo)? {
        Ended::Normally => ExitCode::SUCCESS,
        ended => {
            eprintln!("{ended:?}");
            ExitCode::FAILURE
        }
    })
}
