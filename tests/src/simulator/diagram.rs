//! A sequence diagram of a run, in Mermaid's language.

use std::fmt::Write as _;

use super::{plan::NODES, trace};
use crate::record::{Record, What};

/// As much of a line is drawn.
const WIDTH: usize = 60;

/// Draws the last `most` records.
pub fn draw(records: &[Record], most: usize) -> String {
    let mut diagram = "sequenceDiagram\n".to_owned();
    for node in NODES {
        let _ = writeln!(diagram, "    participant {node}");
    }
    let skipped = records.len().saturating_sub(most);
    for record in &records[skipped..] {
        draw_record(&mut diagram, record);
    }
    diagram
}

fn draw_record(diagram: &mut String, record: &Record) {
    let node = NODES[record.node];
    if let What::Arrived {
        from: Some(from),
        kind,
        bytes,
    } = &record.what
    {
        let from = NODES[*from];
        let _ = writeln!(diagram, "    {from}->>{node}: {kind} {bytes}");
        return;
    }
    for line in trace::lines(record) {
        let (_, text) = line.split_once(' ').unwrap_or(("", &line));
        let text = text.strip_prefix(node).unwrap_or(text).trim();
        let text: String = text.chars().map(plain).take(WIDTH).collect();
        let _ = writeln!(diagram, "    Note over {node}: {text}");
    }
}

/// What would end or change a line of the diagram becomes something else.
const fn plain(character: char) -> char {
    match character {
        ';' => ',',
        '#' => '№',
        '<' | '>' => ' ',
        other => other,
    }
}
