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
        "alice sees [Welcome, You are registered.]",
        "bob sees [Welcome, You are registered.]",
        "bob sees alice: hello",
        "alice sees [Message received by bob.]",
    ] {
        let count = lines.iter().filter(|shown| *shown == line).count();
        assert_eq!(count, 1, "{line}: {lines:#?}");
    }
    assert_eq!(lines, two_clients::chat());
}
