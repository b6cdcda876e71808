-- What was said in a room. `seq` counts from 1 in each room, without a gap. The name is the one
-- that the speaker had then: the account, or the guest, may be gone by the time it is read.
CREATE TABLE room_chat (
    room_id TEXT    NOT NULL CONSTRAINT fk_room_chat_room REFERENCES rooms (id) ON DELETE CASCADE,
    seq     BIGINT  NOT NULL,
    at      BIGINT  NOT NULL,
    user_id TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    guest   BOOLEAN NOT NULL,
    -- The client's own name for it, by which a repeated one is known.
    cmd_id  TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    CONSTRAINT pk_room_chat PRIMARY KEY (room_id, seq)
);
