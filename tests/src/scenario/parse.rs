//! From the text of a scenario to its steps.

use std::time::Duration;

use super::{
    Action, Scenario, Start, Step,
    pattern::{Pattern, expand},
};

/// The words by which a step is recognised; what stands before is who it is about.
const VERBS: &[&str] = &[
    "starts",
    "start",
    "restarts",
    "restart",
    "shows",
    "show",
    "may",
    "sees",
    "see",
    "is",
    "are",
    "continues",
    "continue",
    "reaches",
    "leaves",
    "leave",
    "exits",
    "exit",
];

/// Reads a scenario.
///
/// # Errors
/// The number of the line that cannot be understood, and why.
pub fn parse(text: &str) -> Result<Scenario, String> {
    let mut scenario = Scenario {
        only_virtual: false,
        steps: Vec::new(),
    };
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.trim() == "only in the virtual world" {
            scenario.only_virtual = true;
            continue;
        }
        let mut block = Vec::new();
        while let Some((indented, _)) =
            lines.next_if(|(line, _)| line.starts_with(' ') && !line.trim().is_empty())
        {
            block.push(indented.trim());
        }
        let (nodes, action) =
            step(line, &block).map_err(|why| format!("line {number}: {why}: {line}"))?;
        scenario.steps.push(Step {
            line: number,
            nodes,
            action,
        });
    }
    Ok(scenario)
}

fn step(line: &str, block: &[&str]) -> Result<(Vec<String>, Action), String> {
    if let Some((nodes, typed)) = line.split_once(": ") {
        let nodes: Vec<_> = nodes.split(", ").map(str::to_owned).collect();
        if nodes.iter().all(|node| !node.contains(' ')) {
            return Ok((nodes, Action::Type(expand(typed))));
        }
    }
    if let Some(time) = line.strip_prefix("wait ") {
        return Ok((Vec::new(), Action::Wait(duration(time)?)));
    }
    let words: Vec<&str> = line.split(' ').collect();
    let verb = words
        .iter()
        .position(|word| VERBS.contains(word))
        .ok_or("no verb")?;
    let nodes = words[..verb]
        .iter()
        .filter(|word| !matches!(**word, "and" | "network" | "between"))
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    let rest = words[verb + 1..].join(" ");
    Ok((nodes, action(words[verb], rest.trim_end(), block)?))
}

fn action(verb: &str, rest: &str, block: &[&str]) -> Result<Action, String> {
    Ok(match (verb.trim_end_matches('s'), rest) {
        ("start", how) => Action::Start(start(how)?),
        ("restart", "") => Action::Restart,
        ("show", "in any order") => Action::Show {
            lines: patterns(block)?,
            in_any_order: true,
        },
        ("show", "") => Action::Show {
            lines: patterns(block)?,
            in_any_order: false,
        },
        ("show", what) if what.starts_with('"') => Action::Show {
            lines: patterns(&[what])?,
            in_any_order: false,
        },
        ("show", what) => {
            let time = what.strip_prefix("nothing for ").ok_or("shows what?")?;
            Action::ShowNothing(duration(time)?)
        }
        ("may", what) => {
            let what = what.strip_prefix("show ").ok_or("may what?")?;
            Action::MayShow(patterns(&[what])?)
        }
        ("see", what) => {
            let (name, state) = what.split_once(' ').ok_or("sees what?")?;
            Action::See {
                name: name.to_owned(),
                online: match state {
                    "ONLINE" => true,
                    "OFFLINE" => false,
                    _ => return Err("sees ONLINE or OFFLINE".to_owned()),
                },
            }
        }
        ("i" | "are", "killed") => Action::Kill,
        ("i" | "are", "paused") => Action::Pause,
        ("i" | "are", "interrupted") => Action::Interrupt,
        ("i" | "are", "cut") => Action::Cut,
        ("i" | "are", "mended") => Action::Mend,
        ("continue", "") => Action::Continue,
        ("reache", "the end of its input") => Action::EndInput,
        ("leave", "") => Action::Leave,
        ("exit", code) => Action::Exit(code.parse().map_err(|_| "exits with what code?")?),
        _ => return Err("not understood".to_owned()),
    })
}

fn start(how: &str) -> Result<Start, String> {
    let mut start = Start::default();
    if let Some(user) = how.strip_prefix("as ") {
        start.user = Some(user.to_owned());
        start.copies_identity = true;
    } else if let Some(user) = how.strip_prefix("under the name ") {
        start.user = Some(user.to_owned());
    } else {
        match how {
            "" => {}
            "ephemerally" => start.ephemeral = true,
            "with silent exit" => start.silent_exit = true,
            _ => return Err("starts how?".to_owned()),
        }
    }
    Ok(start)
}

fn patterns(lines: &[&str]) -> Result<Vec<Pattern>, String> {
    if lines.is_empty() {
        return Err("an indented block of quoted lines must follow".to_owned());
    }
    lines.iter().map(|line| pattern(line)).collect()
}

fn pattern(quoted: &str) -> Result<Pattern, String> {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .ok_or_else(|| format!("expected a quoted line, not {quoted}"))?;
    Ok(Pattern::any_of(
        &inner.split("\" or \"").collect::<Vec<_>>(),
    ))
}

fn duration(text: &str) -> Result<Duration, String> {
    let parse = |number: &str| {
        number
            .parse()
            .map_err(|_| format!("{text} is no time such as 2s or 500ms"))
    };
    match text.strip_suffix("ms") {
        Some(number) => Ok(Duration::from_millis(parse(number)?)),
        None => Ok(Duration::from_secs(parse(text.trim_end_matches('s'))?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_step_by_step() {
        let scenario = parse(concat!(
            "# A comment.\n",
            "server starts\n",
            "x, y and z start\n",
            "x: send y hello: there\n",
            "y shows in any order\n",
            "  \"a\"\n",
            "  \"b\" or \"c\"\n",
            "network between x and y is cut\n",
        ))
        .unwrap();
        let [server, start, typed, shown, cut] = &scenario.steps[..] else {
            panic!("{scenario:?}");
        };
        assert!(matches!(server.action, Action::Start(_)));
        assert_eq!(start.nodes, ["x", "y", "z"]);
        assert!(matches!(&typed.action, Action::Type(text) if text == "send y hello: there"));
        assert!(
            matches!(&shown.action, Action::Show { lines, in_any_order: true }
            if lines.len() == 2)
        );
        assert_eq!((cut.line, cut.nodes.len()), (8, 2));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        let error = parse("server starts\nx dances\n").unwrap_err();
        assert!(error.starts_with("line 2:"), "{error}");
    }
}
