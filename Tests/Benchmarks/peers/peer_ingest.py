"""What `deploy/bench ingest` is measured against: FastAPI and asyncpg, as a team would write it.

POST /v1/sdk/events {"events": [...]}: duplicates by primary key, one INSERT a request, 202. It does
less than Grapevine: no key, no limits, no checks, no order, no feed, nobody behind it."""

import os
import uuid
from contextlib import asynccontextmanager

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response

CLIENT = uuid.UUID("11111111-1111-1111-1111-111111111111")
TABLE = """
create table if not exists peer_ev (
    seq bigserial, client_id uuid, event_id uuid, type text, occurred_at timestamptz,
    received_at timestamptz default now(), participant text, payload jsonb,
    primary key (client_id, event_id))
"""
INSERT = """
insert into peer_ev (client_id, event_id, type, occurred_at, participant, payload)
select $1, id, type, occurred_at::timestamptz, participant, payload::jsonb
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    as event (id, type, occurred_at, participant, payload)
on conflict do nothing
"""


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.pool = await asyncpg.create_pool(os.environ["PEER_DSN"], min_size=4, max_size=8)
    async with app.state.pool.acquire() as connection, connection.transaction():
        # Workers start together, and "if not exists" alone does not keep them apart.
        await connection.execute("select pg_advisory_xact_lock(1)")
        await connection.execute(TABLE)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/sdk/events")
async def ingest(request: Request) -> Response:
    events = orjson.loads(await request.body())["events"]
    await app.state.pool.execute(
        INSERT,
        CLIENT,
        [uuid.UUID(event["event_id"]) for event in events],
        [event["event"] for event in events],
        [event["occurred_at"] for event in events],
        [event["participant_id"] for event in events],
        [orjson.dumps(event).decode() for event in events],
    )
    return Response(
        status_code=202, content=b'{"accepted":%d}' % len(events), media_type="application/json"
    )
