-- Recordings of live sources, each from when it begins until its file is an asset's; and sources that are recorded
-- whenever they are published.
CREATE TABLE live_recordings (
    id              TEXT    NOT NULL CONSTRAINT pk_live_recordings PRIMARY KEY,
    registration_id TEXT    NOT NULL CONSTRAINT fk_live_recordings_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    -- What the source was when it began: it may be deleted meanwhile.
    project_id      TEXT    NOT NULL CONSTRAINT fk_live_recordings_project REFERENCES projects (id),
    name            TEXT    NOT NULL,
    -- The room whose shared screen it is.
    kept_for        TEXT    CONSTRAINT fk_live_recordings_kept_for REFERENCES rooms (id) ON DELETE SET NULL,
    -- Whose asset it becomes.
    owner_id        TEXT    NOT NULL CONSTRAINT fk_live_recordings_owner REFERENCES users (id),
    -- The room whose host asked for it: its own playlist shows it in the end.
    room_id         TEXT    CONSTRAINT fk_live_recordings_room REFERENCES rooms (id) ON DELETE SET NULL,
    -- It is an instant replay: what was sent before somebody asked.
    replay          BOOLEAN NOT NULL DEFAULT FALSE,
    began           BIGINT  NOT NULL
);
CREATE INDEX ix_live_recordings_registration ON live_recordings (registration_id);
CREATE TABLE live_recorded (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_recorded PRIMARY KEY CONSTRAINT fk_live_recorded_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    -- Who wanted that, and whose assets the recordings become.
    owner_id        TEXT NOT NULL CONSTRAINT fk_live_recorded_owner REFERENCES users (id)
);
