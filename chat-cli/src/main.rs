//! The chat for people: arguments, terminal, pipes.

mod address;
mod arguments;
mod commands;
mod failure;
mod terminal;

fn main() {
    match arguments::Arguments::from_command_line() {
        Ok(arguments) => println!("{arguments:?}"),
        Err(failure) => println!("{failure}"),
    }
}
