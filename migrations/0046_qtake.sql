-- Projects of QTAKE that publish into a folder, and Elemental Link devices. The kinds stand in a constraint,
-- which cannot be changed in place: the table is made anew. What refers to it would go with the old one,
-- and is put aside meanwhile. COMPOSITE is for pictures that are put together of others.
CREATE TABLE live_desktops_kept AS SELECT * FROM live_desktops;
CREATE TABLE live_raw_sources_kept AS SELECT * FROM live_raw_sources;
CREATE TABLE live_recordings_kept AS SELECT * FROM live_recordings;
CREATE TABLE live_recorded_kept AS SELECT * FROM live_recorded;
DELETE FROM live_desktops;
DELETE FROM live_raw_sources;
DELETE FROM live_recordings;
DELETE FROM live_recorded;
CREATE TABLE live_registrations_new (
    id             TEXT   NOT NULL CONSTRAINT pk_live_registrations PRIMARY KEY,
    project_id     TEXT   NOT NULL CONSTRAINT fk_live_registrations_project REFERENCES projects (id),
    owner_id       TEXT   NOT NULL CONSTRAINT fk_live_registrations_owner REFERENCES users (id),
    kind           TEXT   NOT NULL DEFAULT 'WHIP',
    status         TEXT   NOT NULL DEFAULT 'ACTIVE',
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL DEFAULT '',
    device         TEXT   NOT NULL,
    stream         TEXT   NOT NULL,
    token_sha256   TEXT   CONSTRAINT uq_live_registrations_token UNIQUE,
    asset_id       TEXT   CONSTRAINT fk_live_registrations_asset REFERENCES assets (id),
    last_connected BIGINT,
    created        BIGINT NOT NULL,
    -- Nobody may publish it until it is started again.
    stopped        BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT ck_live_registrations_kind CHECK (kind IN ('WHIP', 'DESKTOP', 'SRT', 'RAW', 'QTAKE', 'ELEMENTALLINK', 'COMPOSITE')),
    CONSTRAINT ck_live_registrations_status CHECK (status IN ('ACTIVE', 'DELETED'))
);
INSERT INTO live_registrations_new (id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created, stopped)
SELECT id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created, stopped FROM live_registrations;
DROP TABLE live_registrations;
ALTER TABLE live_registrations_new RENAME TO live_registrations;
CREATE UNIQUE INDEX uq_live_registrations_source ON live_registrations (project_id, device, stream) WHERE status <> 'DELETED';
CREATE INDEX ix_live_registrations_asset ON live_registrations (asset_id);
INSERT INTO live_desktops (registration_id, room_id) SELECT registration_id, room_id FROM live_desktops_kept;
INSERT INTO live_raw_sources (registration_id, source_ip, video_port, audio_port)
SELECT registration_id, source_ip, video_port, audio_port FROM live_raw_sources_kept;
INSERT INTO live_recordings (id, registration_id, project_id, name, kept_for, owner_id, room_id, replay, began)
SELECT id, registration_id, project_id, name, kept_for, owner_id, room_id, replay, began FROM live_recordings_kept;
INSERT INTO live_recorded (registration_id, owner_id) SELECT registration_id, owner_id FROM live_recorded_kept;
DROP TABLE live_desktops_kept;
DROP TABLE live_raw_sources_kept;
DROP TABLE live_recordings_kept;
DROP TABLE live_recorded_kept;

-- What a registration's token said. The token itself is not kept.
CREATE TABLE live_qtake (
    registration_id TEXT    NOT NULL CONSTRAINT pk_live_qtake PRIMARY KEY CONSTRAINT fk_live_qtake_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    -- How QTAKE calls its project, as in the addresses that it publishes to.
    qtake_project   TEXT    NOT NULL,
    -- Whether the token's signature was checked.
    verified        BOOLEAN NOT NULL,
    expires         BIGINT
);
CREATE INDEX ix_live_qtake_project ON live_qtake (qtake_project);

-- The sources that publish under such a registration: one for each device and stream.
CREATE TABLE live_qtake_streams (
    registration_id TEXT NOT NULL CONSTRAINT pk_live_qtake_streams PRIMARY KEY CONSTRAINT fk_live_qtake_streams_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    qtake_id        TEXT NOT NULL CONSTRAINT fk_live_qtake_streams_qtake REFERENCES live_qtake (registration_id) ON DELETE CASCADE
);
CREATE INDEX ix_live_qtake_streams_qtake ON live_qtake_streams (qtake_id);
