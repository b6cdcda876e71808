-- What is drawn in a room, in the order in which it was finished. `stroke` is JSON.
CREATE TABLE room_strokes (
    room_id   TEXT   NOT NULL CONSTRAINT fk_room_strokes_room REFERENCES rooms (id) ON DELETE CASCADE,
    stroke_id TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    stroke    TEXT   NOT NULL,
    kept      BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT pk_room_strokes PRIMARY KEY (room_id, stroke_id)
);
