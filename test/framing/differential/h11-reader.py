"""Reads streams with h11: a line of JSON in, a line of JSON out. Started by h11.ts."""

import base64
import json
import sys

import h11


def read(data, answers):
    """Messages that are complete: [first line, raw headers, body], and whether h11 refused the rest."""
    connection = h11.Connection(h11.CLIENT if answers else h11.SERVER, max_incomplete_event_size=1 << 20)
    if answers:
        connection.send(h11.Request(method=answers, target="/", headers=[("Host", "h")]))
        connection.send(h11.EndOfMessage())
    messages = []
    head = None
    body = b""
    try:
        connection.receive_data(data)
        if answers:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, (h11.Request, h11.Response)):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                messages.append(describe(head, body))
                if answers:
                    return messages, False
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return messages, False
    except (h11.LocalProtocolError, h11.RemoteProtocolError):
        return messages, True


def describe(head, body):
    if isinstance(head, h11.Request):
        line = [text(head.method), text(head.target)]
    else:
        line = [str(head.status_code), ""]
    headers = [[text(name), text(value)] for name, value in head.headers.raw_items()]
    return [line, headers, base64.b64encode(body).decode()]


def text(data):
    return data.decode("latin1")


print("h11", h11.__version__, flush=True)
for line in sys.stdin:
    stream = json.loads(line)
    messages, refused = read(base64.b64decode(stream["bytes"]), stream["answers"])
    print(json.dumps({"messages": messages, "refused": refused}), flush=True)
