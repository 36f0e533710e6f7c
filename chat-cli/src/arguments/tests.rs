use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Arguments, Failure> {
    let words = ["chat-cli"].into_iter().chain(line.split_whitespace());
    let matches = CommandLine::command().try_get_matches_from(words).unwrap();
    let line = CommandLine::from_arg_matches(&matches).unwrap();
    Arguments::check(line, &ConfigFile::default(), &matches)
}

fn clap_error(line: &str) -> clap::Error {
    let words = ["chat-cli"].into_iter().chain(line.split_whitespace());
    CommandLine::try_parse_from(words).unwrap_err()
}

#[test]
fn the_command_line_is_well_formed() {
    use clap::CommandFactory;
    CommandLine::command().debug_assert();
}

#[test]
fn every_form_of_starting_a_server_means_the_same() {
    for line in [
        "server 4000",
        "-s 4000",
        "server -p 4000",
        "server --port 4000",
        "-s -p 4000",
    ] {
        assert_eq!(
            parse(line).unwrap().mode,
            Mode::Server { port: 4000 },
            "{line}"
        );
    }
}

#[test]
fn every_form_of_starting_a_client_means_the_same() {
    for line in [
        "client x 127.0.0.1 4000 5000",
        "-c x 127.0.0.1 4000 5000",
        "client -n x -i 127.0.0.1 -p 4000 -c 5000",
        "client -c 5000 -p 4000 -i 127.0.0.1 -n x",
        "client x 127.0.0.1 4000 -c 5000",
    ] {
        let expected = Mode::Client {
            name: "x".parse().unwrap(),
            server: ServerAddress::resolve("127.0.0.1", 4000).unwrap(),
            client_port: 5000,
        };
        assert_eq!(parse(line).unwrap().mode, expected, "{line}");
    }
}

#[test]
fn a_client_port_that_is_left_out_is_any_free_one() {
    for line in [
        "client x 127.0.0.1 4000",
        "-c x 127.0.0.1 4000",
        "client -n x -i 127.0.0.1 -p 4000",
    ] {
        let Mode::Client { client_port, .. } = parse(line).unwrap().mode else {
            panic!("a client was asked for: {line}");
        };
        assert_eq!(client_port, 0, "{line}");
    }
}

#[test]
fn every_option_works_with_every_form_at_any_place() {
    let fingerprint = chat_core::id::PublicKey([1; 32]).fingerprint().to_string();
    let options = format!(
        "--data /tmp/d --ephemeral --listen ::1 --server-key {fingerprint} --silent-exit \
         --log-format json --log-level debug"
    );
    for form in [
        "server 4000",
        "-s 4000",
        "server -p 4000",
        "client x 127.0.0.1 4000 5000",
        "-c x 127.0.0.1 4000 5000",
        "client -n x -i 127.0.0.1 -p 4000 -c 5000",
    ] {
        let (first, rest) = form.split_once(' ').unwrap();
        for line in [
            format!("{form} {options}"),
            format!("{options} {form}"),
            format!("{first} {options} {rest}"),
        ] {
            let options = parse(&line).unwrap().options;
            assert_eq!(options.data, Some("/tmp/d".into()), "{line}");
            assert!(options.ephemeral && options.silent_exit, "{line}");
            assert_eq!(options.listen, Some("::1".parse().unwrap()));
            assert_eq!(options.server_key.unwrap().to_string(), fingerprint);
            assert_eq!(options.log_format, LogFormat::Json);
            assert_eq!(options.log_level, LogLevel::Debug);
        }
    }
}

#[test]
fn without_options_the_defaults_hold() {
    let options = parse("server 4000").unwrap().options;
    assert!(options.data.is_none() && options.listen.is_none() && options.server_key.is_none());
    assert!(!options.ephemeral && !options.silent_exit);
    assert_eq!(options.log_level, LogLevel::Warn);
}

#[test]
fn a_port_is_an_integer_between_1024_and_65535() {
    for port in [
        "0", "80", "1023", "65536", "99999999", "-1", "-4000", "abc", "+4000", "4e3", "4000.0",
    ] {
        for line in [
            format!("server {port}"),
            format!("-s {port}"),
            format!("server -p {port}"),
            format!("client x 127.0.0.1 {port}"),
            format!("client x 127.0.0.1 4000 {port}"),
            format!("-c x 127.0.0.1 4000 {port}"),
            format!("client -n x -i 127.0.0.1 -p 4000 -c {port}"),
        ] {
            let failure = parse(&line).unwrap_err();
            assert!(matches!(failure, Failure::InvalidPort), "{line}");
        }
    }
    for port in ["1024", "65535"] {
        assert!(parse(&format!("server {port}")).is_ok());
    }
}

#[test]
fn a_bad_name_or_address_is_refused() {
    let failure = parse("client a/b 127.0.0.1 4000").unwrap_err();
    assert_eq!(failure.to_string(), "[Invalid name: a/b.]");
    let failure = parse("client server 127.0.0.1 4000").unwrap_err();
    assert_eq!(failure.to_string(), "[Invalid name: server.]");
    for line in [
        "client x 300.1.1.1 4000",
        "client -n x -i 1.2.3 -p 4000",
        "server 4000 --listen nowhere",
    ] {
        let failure = parse(line).unwrap_err();
        assert!(matches!(failure, Failure::InvalidAddress), "{line}");
    }
}

#[test]
fn wrong_usage_is_left_to_clap() {
    for line in [
        "",
        "server",
        "client x",
        "client x 127.0.0.1",
        "server 4000 5000",
        "server 4000 -p 4000",
        "client x 127.0.0.1 4000 5000 6000",
        "client x 127.0.0.1 4000 5000 -c 5000",
        "-c x 127.0.0.1",
        "server 4000 --server-key short",
        "server 4000 --unknown",
        "nonsense",
    ] {
        assert_eq!(clap_error(line).exit_code(), 2, "{line:?}");
    }
    for line in ["-h", "--help", "server --help", "-s -h", "client -h"] {
        let error = clap_error(line);
        assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{line}");
        assert_eq!(error.exit_code(), 0, "{line}");
    }
    for line in ["--version", "-V", "server --version"] {
        assert_eq!(clap_error(line).exit_code(), 0, "{line}");
    }
}
