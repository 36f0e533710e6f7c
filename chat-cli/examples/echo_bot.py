#!/usr/bin/env python3
"""A bot that answers every direct message with the same text.

    echo_bot.py CHAT-CLI NAME SERVER-IP SERVER-PORT [OPTION ...]

It runs the client with --json: one JSON object a line, commands in and events out. What they look
like is in json.cddl. The bot ends when its input does.
"""

import json
import subprocess
import sys
import threading


def main(program, name, *rest):
    client = subprocess.Popen(
        [program, "client", name, *rest, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )

    def command(word, **members):
        try:
            client.stdin.write(json.dumps({"command": word, **members}) + "\n")
            client.stdin.flush()
        except ValueError:
            pass  # The input has ended: the client is leaving.

    def end_with_input():
        sys.stdin.read()
        client.stdin.close()

    threading.Thread(target=end_with_input, daemon=True).start()
    for line in client.stdout:
        event = json.loads(line)
        if event["event"] == "message" and event["conversation"] == "direct":
            if event["from"] != name:
                command("send", to=event["from"], text=event["text"])
        elif event["event"] == "state" and event["state"] == "failed":
            print("not delivered:", event["reason"], file=sys.stderr)
    return client.wait()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
