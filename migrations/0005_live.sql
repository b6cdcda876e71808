-- Live sources: what may publish into a folder, and the asset that shows it.

-- A registration has a token of its own, of which a digest is kept; a source that
-- publishes with a person's token gets a row when it first comes, without one.
-- `device` and `stream` are free text, chosen by the client; with the folder they
-- name the source for good, so that it finds its asset again.
CREATE TABLE live_registrations (
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
    CONSTRAINT ck_live_registrations_kind CHECK (kind IN ('WHIP')),
    CONSTRAINT ck_live_registrations_status CHECK (status IN ('ACTIVE', 'DELETED'))
);
-- A deleted registration gives its name free.
CREATE UNIQUE INDEX uq_live_registrations_source ON live_registrations (project_id, device, stream) WHERE status <> 'DELETED';
CREATE INDEX ix_live_registrations_asset ON live_registrations (asset_id);
