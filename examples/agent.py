# An agent in Python. Debian: apt-get install python3-websockets; elsewhere: pip install websockets
import asyncio, json, os, sys
import websockets

AGENT, TOKEN = sys.argv[1], os.environ["SWITCHBOARD_AGENT_TOKEN"]
URL = os.environ.get("SWITCHBOARD_URL", "ws://127.0.0.1:9100")
tasks = {}  # turn_id: the task that answers it

async def answer(send, turn):
    ids = {"session_id": turn["session_id"], "turn_id": turn["turn_id"]}
    event = lambda **fields: send(method="agent.chat.event", params={**ids, **fields})
    try:
        await event(kind="token", delta="You said: ")
        for word in turn["prompt"].split():
            await asyncio.sleep(0.1)  # Your own work. A cancelled turn ends wherever it awaits something.
            await event(kind="token", delta=word + " ")
        await event(kind="done", finish_reason="stop")
    except Exception as error:
        await event(kind="error", error=str(error))

async def main():
    async with websockets.connect(URL, max_size=16 * 2**20) as socket:
        send = lambda **message: socket.send(json.dumps({"jsonrpc": "2.0", **message}))
        await send(id=1, method="session.auth", params={"agent_id": AGENT, "token": TOKEN})
        async for text in socket:
            message = json.loads(text)
            method, params = message.get("method"), message.get("params")
            if method == "agent.chat":  # Accept at once, then stream.
                await send(id=message["id"], result={"accepted": True})
                turn = params["turn_id"]
                tasks[turn] = asyncio.create_task(answer(send, params))
                tasks[turn].add_done_callback(lambda _, turn=turn: tasks.pop(turn))
            elif method == "agent.chat.cancel" and params["turn_id"] in tasks:
                tasks[params["turn_id"]].cancel()
            elif method and "id" in message:  # Every request is answered.
                await send(id=message["id"], error={"code": -32601, "message": "method not found"})
            elif message.get("id") == 1:
                print(f"{AGENT}: ready", flush=True) if "result" in message else sys.exit(message["error"]["message"])

asyncio.run(main())
