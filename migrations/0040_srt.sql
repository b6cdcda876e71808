-- Sources that publish over SRT, sources that are a screen, and sources that are stopped for a while. The kinds
-- stand in a constraint, which cannot be changed in place: the table is made anew.
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
    CONSTRAINT ck_live_registrations_kind CHECK (kind IN ('WHIP', 'DESKTOP', 'SRT')),
    CONSTRAINT ck_live_registrations_status CHECK (status IN ('ACTIVE', 'DELETED'))
);
INSERT INTO live_registrations_new (id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created)
SELECT id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created FROM live_registrations;
DROP TABLE live_registrations;
ALTER TABLE live_registrations_new RENAME TO live_registrations;
CREATE UNIQUE INDEX uq_live_registrations_source ON live_registrations (project_id, device, stream) WHERE status <> 'DELETED';
CREATE INDEX ix_live_registrations_asset ON live_registrations (asset_id);
