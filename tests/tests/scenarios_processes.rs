//! Every scenario with processes and sockets over loopback.
#![cfg(unix)]

use tests::{files, scenario::play, scenarios, stage::Processes};

fn with_processes(name: &str) {
    let scenario = files::scenario(name);
    let directory = tempfile::tempdir().expect("a temporary directory");
    if let Err(why) = play(&scenario, &mut Processes::new(directory.path())) {
        panic!("{name}: {why}");
    }
}

scenarios! {
    with_processes, every |scenario| !scenario.only_virtual;
    messages_of_two_senders_wait_for_an_absent_user = "1_offline_messages_from_two_senders",
    direct_messages_go_on_without_the_server = "2_without_the_server",
    a_group_message_waits_for_an_absent_member = "3_group_with_an_absent_member",
    notifications_wait_for_absent_senders = "4_notifications_wait_for_absent_senders",
    a_message_is_kept_when_neither_recipient_nor_server_answers = "5_nobody_answers",
    a_message_to_everyone_reaches_everyone = "6_to_everyone",
    a_message_waits_for_a_killed_recipient = "7_killed_recipient",
    a_client_that_slept_comes_back_by_itself = "a_client_that_slept",
    a_peer_that_starts_again_is_reached_at_once = "a_peer_starts_again",
    a_silent_group_member_gets_its_copy_later = "a_silent_group_member",
    a_message_to_everyone_is_stored_for_the_absent = "channel_for_the_absent",
    a_user_goes_offline_and_online_again = "dereg_and_reg",
    an_ephemeral_name_is_freed = "ephemeral",
    group_mode_holds_direct_messages_back = "group_mode_holds_direct_messages",
    who_joins_a_group_gets_what_is_sent_from_then_on = "groups",
    held_messages_survive_a_kill = "held_messages_survive_a_kill",
    a_kept_message_is_sent_when_the_server_is_back = "kept_until_the_server_is_back",
    long_messages_arrive_whole = "long_messages",
    a_mailbox_is_read_in_order = "mailbox_in_order",
    a_name_is_refused_to_another_identity = "name_taken",
    what_was_saved_survives_a_kill_of_the_server = "server_killed_after_saved",
    a_signal_and_the_end_of_input_leave_as_by_dereg = "signals_and_end_of_input",
    a_silent_exit_is_noticed_by_the_next_message = "silent_exit",
    the_later_device_of_a_user_takes_over = "take_over",
    a_start_without_the_server_goes_on_only_for_a_known_client = "the_server_is_gone_at_the_start",
    messages_to_oneself_arrive = "to_oneself",
    a_restarted_server_is_back_before_anybody_misses_it = "a_restarted_server_is_not_noticed",
    leaving_shows_what_group_mode_held_back = "leaving_in_group_mode",
    one_event_is_one_line = "one_event_is_one_line",
    sends_need_not_wait_for_one_another = "many_at_once",
    the_operator_sees_the_table_and_the_groups = "the_operator_asks",
}
