# Chats with an agent by OpenAI's package for Python.
#
#   pip install openai
#   OPENAI_API_KEY=$(npx switchboard keys add me) python3 examples/openai-python.py "hello there"
import os
import sys

from openai import OpenAI

prompt = sys.argv[1] if len(sys.argv) > 1 else "hello there"
client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:9100/v1"))
messages = [{"role": "user", "content": prompt}]
for chunk in client.chat.completions.create(model="echo", messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
