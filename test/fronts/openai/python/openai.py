"""Stands for the package `openai`, which is in no registry that tests may use: its requests as version 2 is known to make them, header
for header, and its way of reading a stream. A Python that has the package runs the example with that instead."""
import http.client
import json
import os
from types import SimpleNamespace
from urllib.parse import urlsplit

HEADERS = {
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "OpenAI/Python 2.8.1",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "2.8.1",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.12.3",
    "X-Stainless-Async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "600",
}


class OpenAI:
    def __init__(self, base_url):
        self._base = urlsplit(base_url)
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))

    def _create(self, **body):
        connection = http.client.HTTPConnection(self._base.netloc)
        headers = {**HEADERS, "Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
        # httpx writes JSON without spaces, its members in the order in which the package names them.
        text = json.dumps(dict(sorted(body.items())), separators=(",", ":"))
        connection.request("POST", f"{self._base.path}/chat/completions", text, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"Error code: {answer.status} - {answer.read().decode()}")
        # As its SSEDecoder: a comment is passed over, an empty line ends an event, [DONE] the stream.
        data = []
        for line in answer:
            line = line.decode().rstrip("\r\n")
            if line == "":
                event, data = "\n".join(data), []
                if event.startswith("[DONE]"):
                    return
                if event:
                    said = json.loads(event)
                    if said.get("error"):
                        raise RuntimeError(said["error"]["message"])
                    yield json.loads(event, object_hook=_attributes)
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                if name == "data":
                    data.append(value.removeprefix(" "))
        raise RuntimeError("the stream ended before its end")


def _attributes(members):
    return SimpleNamespace(**{"content": None, **members})
