-- Who there is: companies, people, and what they prove themselves with.
--
-- The same text serves SQLite and PostgreSQL: ids are TEXT (32 upper-case hex
-- digits), times BIGINT (Unix milliseconds), structured values JSON in TEXT.
-- Every constraint is named; `store::error` translates violations by that name.

CREATE TABLE companies (
    id                TEXT    NOT NULL CONSTRAINT pk_companies PRIMARY KEY,
    name              TEXT    NOT NULL,
    active            BOOLEAN NOT NULL DEFAULT TRUE,
    mfa_enabled       BOOLEAN NOT NULL DEFAULT FALSE,
    settings          TEXT    NOT NULL DEFAULT '{}',
    watermark_settings TEXT   NOT NULL DEFAULT '{}',
    created           BIGINT  NOT NULL
);

-- A guest is a person too, without an address: `email` is null for them alone.
CREATE TABLE users (
    id             TEXT    NOT NULL CONSTRAINT pk_users PRIMARY KEY,
    email          TEXT    CONSTRAINT uq_users_email UNIQUE,
    first_name     TEXT    NOT NULL,
    last_name      TEXT    NOT NULL,
    phone          TEXT,
    account_status TEXT    NOT NULL DEFAULT 'ACTIVE',
    is_guest       BOOLEAN NOT NULL DEFAULT FALSE,
    -- The company that is shown as this person's own.
    company_id     TEXT    CONSTRAINT fk_users_company REFERENCES companies (id),
    -- Personal preferences that no query looks into.
    preferences    TEXT    NOT NULL DEFAULT '{}',
    created        BIGINT  NOT NULL,
    accessed       BIGINT,
    CONSTRAINT ck_users_status CHECK (account_status IN ('INVITED', 'ACTIVE', 'DELETED')),
    CONSTRAINT ck_users_email CHECK (is_guest OR email IS NOT NULL)
);
CREATE INDEX ix_users_company ON users (company_id);

CREATE TABLE company_members (
    company_id TEXT    NOT NULL CONSTRAINT fk_company_members_company REFERENCES companies (id) ON DELETE CASCADE,
    user_id    TEXT    NOT NULL CONSTRAINT fk_company_members_user REFERENCES users (id) ON DELETE CASCADE,
    is_admin   BOOLEAN NOT NULL DEFAULT FALSE,
    is_owner   BOOLEAN NOT NULL DEFAULT FALSE,
    created    BIGINT  NOT NULL,
    CONSTRAINT pk_company_members PRIMARY KEY (company_id, user_id)
);
CREATE INDEX ix_company_members_user ON company_members (user_id);

-- The halves of a key pair: `api_id` is public, of the key only a digest is kept.
CREATE TABLE api_keys (
    id         TEXT   NOT NULL CONSTRAINT pk_api_keys PRIMARY KEY,
    user_id    TEXT   NOT NULL CONSTRAINT fk_api_keys_user REFERENCES users (id) ON DELETE CASCADE,
    api_id     TEXT   NOT NULL CONSTRAINT uq_api_keys_api_id UNIQUE,
    key_sha256 TEXT   NOT NULL,
    prefix     TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    last_used  BIGINT,
    revoked    BIGINT
);
CREATE INDEX ix_api_keys_user ON api_keys (user_id);

-- What proves a request. `room_id` confines a guest to one room; it is no
-- foreign key, because rooms come with a later migration and end a guest's
-- tokens themselves.
CREATE TABLE tokens (
    sha256  TEXT   NOT NULL CONSTRAINT pk_tokens PRIMARY KEY,
    user_id TEXT   NOT NULL CONSTRAINT fk_tokens_user REFERENCES users (id) ON DELETE CASCADE,
    kind    TEXT   NOT NULL,
    room_id TEXT,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT ck_tokens_kind CHECK (kind IN ('USER', 'GUEST', 'ONE_TIME', 'DEVICE'))
);
CREATE INDEX ix_tokens_user ON tokens (user_id);
CREATE INDEX ix_tokens_expires ON tokens (expires);

-- Secrets that the server makes for itself once, such as the key that signs
-- file links.
CREATE TABLE server_secrets (
    name    TEXT   NOT NULL CONSTRAINT pk_server_secrets PRIMARY KEY,
    value   TEXT   NOT NULL,
    created BIGINT NOT NULL
);
