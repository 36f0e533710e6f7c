//! A trace: what happened in a run, one line each.
//!
//! ```text
//! 0.302500 alice types send bob #1# hello
//! 0.302750 alice keeps outbox 00ff… #1#
//! 0.303250 fault loss a010001000a0102 12
//! 0.310000 bob shows >>> alice: #1# hello
//! ```

use chat_core::{
    client,
    store::{Log, StoreOperation},
};

use super::{
    oracle::stored_token,
    plan::{NODES, Plan},
    run::{self, Outcome},
};
use crate::{
    command, lines,
    record::{Record, What},
};

/// Makes the run of a plan: what came of it, and its trace.
pub fn of(plan: &Plan) -> (Outcome, String) {
    let mut text = String::new();
    let outcome = run::watch(plan, |record| {
        for line in lines(record) {
            text.push_str(&line);
            text.push('\n');
        }
    });
    (outcome, text)
}

/// The lines of a record; what people see may be several, and what nobody sees none.
pub fn lines(record: &Record) -> Vec<String> {
    let seconds = record.at.as_micros() as f64 / 1e6;
    let node = NODES.get(record.node).copied().unwrap_or("nobody");
    let texts = match &record.what {
        What::Shown(event) => shown(lines::of_client(event), ended(event)),
        What::Told(event) => shown(lines::of_server(event), None),
        What::Fault(fault) => return vec![format!("{seconds:.6} fault {fault}")],
        What::Starts(_) => vec!["starts".to_owned()],
        What::Ends(Some(code)) => vec![format!("exits {code}")],
        What::Ends(None) => vec!["dies".to_owned()],
        What::Suffers(what) => vec![format!("suffers {what}")],
        What::Typed(command) => vec![format!("types {}", command::line(command))],
        What::Durable(operation) => kept(operation).into_iter().collect(),
        What::Refused(id) => vec![format!("refuses {id}: the log is full")],
        What::Missed { to, kind, bytes } => {
            vec![format!(
                "sends {kind} of {bytes} bytes to {to}, where nothing runs"
            )]
        }
        What::Arrived { from, kind, bytes } => {
            let from = from.map_or("nobody", |from| NODES[from]);
            vec![format!("gets {kind} of {bytes} bytes from {from}")]
        }
    };
    let line = |text| format!("{seconds:.6} {node} {text}");
    texts.into_iter().map(line).collect()
}

fn shown(lines: Vec<String>, ended: Option<String>) -> Vec<String> {
    let shown = lines.into_iter().map(|line| format!("shows {line}"));
    shown.chain(ended).collect()
}

fn ended(event: &client::Event) -> Option<String> {
    match event {
        client::Event::Ended(how) => Some(format!("ends {how:?}")),
        _ => None,
    }
}

/// What has become durable. Reading changes nothing.
fn kept(operation: &StoreOperation) -> Option<String> {
    match operation {
        StoreOperation::CompareAndSet {
            table, key, value, ..
        } => {
            let key = key.replace('\n', "/");
            let (table, size) = (table.as_str(), value.as_ref().map_or(0, Vec::len));
            Some(match value {
                None => format!("frees {table} {key}"),
                Some(value) => match stored_token(value) {
                    Some(token) => format!("keeps {table} {key} #{token}#"),
                    None => format!("keeps {table} {key} of {size} bytes"),
                },
            })
        }
        StoreOperation::Append { log, id, bytes, .. } => {
            let token = stored_token(bytes).filter(|_| !matches!(log, Log::Mailbox(_)));
            let token = token.map_or_else(String::new, |token| format!(" #{token}#"));
            Some(format!("keeps {log} {id:?}{token}"))
        }
        StoreOperation::Trim { log, up_to } => Some(format!("trims {log} up to {}", up_to.0)),
        _ => None,
    }
}
