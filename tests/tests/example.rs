//! The example that newcomers read.

#[path = "../../chat-core/examples/two_clients.rs"]
#[allow(
    dead_code,
    reason = "the example's main function prints what is compared here"
)]
mod two_clients;

#[test]
fn two_clients_chat_in_memory_and_the_same_way_every_time() {
    let lines = two_clients::chat();
    for line in [
        "alice: [Welcome, You are registered.]",
        "bob: [Welcome, You are registered.]",
        "bob: alice: hello",
        "alice: [Message received by bob.]",
        "server: [Client alice registered.]",
    ] {
        let count = lines.iter().filter(|shown| *shown == line).count();
        assert_eq!(count, 1, "{line}: {lines:#?}");
    }
    assert_eq!(lines, two_clients::chat());
}
