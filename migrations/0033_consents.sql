-- What everybody has to agree to, newest last; and what companies make their own.

CREATE TABLE consent_documents (
    id      TEXT   NOT NULL CONSTRAINT pk_consent_documents PRIMARY KEY,
    kind    TEXT   NOT NULL,
    url     TEXT   NOT NULL,
    created BIGINT NOT NULL,
    CONSTRAINT ck_consent_documents_kind CHECK (kind IN ('PRIVACY_POLICY', 'TERMS_OF_SERVICE'))
);

CREATE TABLE domains (
    id         TEXT   NOT NULL CONSTRAINT pk_domains PRIMARY KEY,
    company_id TEXT   NOT NULL CONSTRAINT fk_domains_company REFERENCES companies (id) ON DELETE CASCADE,
    -- In lower case.
    domain     TEXT   NOT NULL CONSTRAINT uq_domains_domain UNIQUE,
    created    BIGINT NOT NULL
);
CREATE INDEX ix_domains_company ON domains (company_id);

-- `data` is base64, as it came.
CREATE TABLE domain_assets (
    id           TEXT   NOT NULL CONSTRAINT pk_domain_assets PRIMARY KEY,
    domain_id    TEXT   NOT NULL CONSTRAINT fk_domain_assets_domain REFERENCES domains (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL,
    content_type TEXT   NOT NULL,
    data         TEXT   NOT NULL,
    created      BIGINT NOT NULL
);
CREATE INDEX ix_domain_assets_domain ON domain_assets (domain_id);

CREATE TABLE customizations (
    id              TEXT   NOT NULL CONSTRAINT pk_customizations PRIMARY KEY,
    company_id      TEXT   NOT NULL CONSTRAINT fk_customizations_company REFERENCES companies (id) ON DELETE CASCADE,
    production_id   TEXT   CONSTRAINT fk_customizations_production REFERENCES productions (id) ON DELETE CASCADE,
    project_id      TEXT   CONSTRAINT fk_customizations_project REFERENCES projects (id) ON DELETE CASCADE,
    email_domain_id TEXT   CONSTRAINT fk_customizations_domain REFERENCES domains (id),
    kind            TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    description     TEXT,
    data            TEXT   NOT NULL,
    created         BIGINT NOT NULL,
    modified        BIGINT NOT NULL
);
CREATE INDEX ix_customizations_company ON customizations (company_id);
CREATE INDEX ix_customizations_production ON customizations (production_id);
CREATE INDEX ix_customizations_project ON customizations (project_id);

CREATE TABLE custom_metadata (
    id          TEXT    NOT NULL CONSTRAINT pk_custom_metadata PRIMARY KEY,
    company_id  TEXT    NOT NULL CONSTRAINT fk_custom_metadata_company REFERENCES companies (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    description TEXT,
    options     TEXT    NOT NULL DEFAULT '[]',
    sortable    BOOLEAN NOT NULL DEFAULT FALSE,
    status      TEXT    NOT NULL DEFAULT 'NEW',
    created     BIGINT  NOT NULL,
    CONSTRAINT ck_custom_metadata_status CHECK (status IN ('NEW', 'ACTIVE', 'DELETED', 'DISABLED'))
);
CREATE INDEX ix_custom_metadata_company ON custom_metadata (company_id);

-- What somebody has on their home page.
CREATE TABLE home_widgets (
    id         TEXT    NOT NULL CONSTRAINT pk_home_widgets PRIMARY KEY,
    user_id    TEXT    NOT NULL CONSTRAINT fk_home_widgets_user REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    definition TEXT    NOT NULL DEFAULT '{}',
    settings   TEXT    NOT NULL DEFAULT '{}',
    sort_index INTEGER NOT NULL DEFAULT 0,
    created    BIGINT  NOT NULL,
    CONSTRAINT ck_home_widgets_kind CHECK (kind IN ('SHARED_PLAYLISTS', 'PRODUCTIONS'))
);
CREATE INDEX ix_home_widgets_user ON home_widgets (user_id);
