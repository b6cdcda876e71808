-- What happened in a room, line by line. `entry` is JSON; `seq` counts from 1 in each room.
CREATE TABLE room_log (
    room_id TEXT   NOT NULL CONSTRAINT fk_room_log_room REFERENCES rooms (id) ON DELETE CASCADE,
    seq     BIGINT NOT NULL,
    entry   TEXT   NOT NULL,
    CONSTRAINT pk_room_log PRIMARY KEY (room_id, seq)
);
