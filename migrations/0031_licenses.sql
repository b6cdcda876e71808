-- Licences of companies, device logins, and tasks that go on in the background.

CREATE TABLE licenses (
    id                    TEXT    NOT NULL CONSTRAINT pk_licenses PRIMARY KEY,
    company_id            TEXT    NOT NULL CONSTRAINT fk_licenses_company REFERENCES companies (id) ON DELETE CASCADE,
    kind                  TEXT    NOT NULL,
    count                 INTEGER,
    description           TEXT,
    end_date              BIGINT,
    transaction_reference TEXT,
    created               BIGINT  NOT NULL,
    CONSTRAINT ck_licenses_kind CHECK (kind IN ('CONTRACTED', 'ENTERPRISE', 'NAMED_USER', 'TOKEN_USER', 'ROOMS_ONLY', 'TRIAL', 'PARTNER', 'INTERNAL'))
);
CREATE INDEX ix_licenses_company ON licenses (company_id);

-- RFC 8628. `user_id` is who signed the device in; null while nobody has.
CREATE TABLE device_logins (
    device_sha256 TEXT    NOT NULL CONSTRAINT pk_device_logins PRIMARY KEY,
    user_code     TEXT    NOT NULL CONSTRAINT uq_device_logins_user_code UNIQUE,
    scope         TEXT    NOT NULL DEFAULT 'DEFAULT',
    user_id       TEXT    CONSTRAINT fk_device_logins_user REFERENCES users (id) ON DELETE CASCADE,
    details       TEXT    NOT NULL DEFAULT '{}',
    -- Seconds that the device has to wait between two questions, and when it last asked.
    poll_interval INTEGER NOT NULL DEFAULT 5,
    last_poll     BIGINT,
    expires       BIGINT  NOT NULL,
    CONSTRAINT ck_device_logins_scope CHECK (scope IN ('DEFAULT', 'LIVE', 'IMMEDIATES'))
);

-- Devices that were let in to deliver immediates into a folder.
CREATE TABLE immediates_connections (
    id         TEXT   NOT NULL CONSTRAINT pk_immediates_connections PRIMARY KEY,
    project_id TEXT   NOT NULL CONSTRAINT fk_immediates_connections_project REFERENCES projects (id) ON DELETE CASCADE,
    user_id    TEXT   NOT NULL CONSTRAINT fk_immediates_connections_user REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    created    BIGINT NOT NULL
);
CREATE INDEX ix_immediates_connections_project ON immediates_connections (project_id);

CREATE TABLE tasks (
    id       TEXT   NOT NULL CONSTRAINT pk_tasks PRIMARY KEY,
    user_id  TEXT   NOT NULL CONSTRAINT fk_tasks_user REFERENCES users (id) ON DELETE CASCADE,
    kind     TEXT   NOT NULL,
    status   TEXT   NOT NULL DEFAULT 'RUNNING',
    message  TEXT   NOT NULL DEFAULT '{}',
    created  BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    CONSTRAINT ck_tasks_status CHECK (status IN ('RUNNING', 'DONE', 'FAILED'))
);
CREATE INDEX ix_tasks_user ON tasks (user_id);

ALTER TABLE tokens ADD COLUMN impersonator_id TEXT;
