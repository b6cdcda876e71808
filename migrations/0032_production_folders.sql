-- Folders of productions, what people pinned, what productions are for.

CREATE TABLE production_folders (
    id         TEXT   NOT NULL CONSTRAINT pk_production_folders PRIMARY KEY,
    company_id TEXT   NOT NULL CONSTRAINT fk_production_folders_company REFERENCES companies (id) ON DELETE CASCADE,
    name       TEXT   NOT NULL,
    color      TEXT,
    created    BIGINT NOT NULL
);
CREATE INDEX ix_production_folders_company ON production_folders (company_id);
CREATE INDEX ix_productions_folder ON productions (production_folder_id);
CREATE INDEX ix_productions_license ON productions (license_id);

CREATE TABLE production_pins (
    production_id TEXT NOT NULL CONSTRAINT fk_production_pins_production REFERENCES productions (id) ON DELETE CASCADE,
    user_id       TEXT NOT NULL CONSTRAINT fk_production_pins_user REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT pk_production_pins PRIMARY KEY (production_id, user_id)
);
CREATE INDEX ix_production_pins_user ON production_pins (user_id);

CREATE TABLE usecases (
    id           TEXT NOT NULL CONSTRAINT pk_usecases PRIMARY KEY,
    display_name TEXT NOT NULL CONSTRAINT uq_usecases_name UNIQUE
);
INSERT INTO usecases (id, display_name) VALUES
    ('01970000000070008000000000000001', 'Dailies'),
    ('01970000000070008000000000000002', 'Live review'),
    ('01970000000070008000000000000003', 'Editorial'),
    ('01970000000070008000000000000004', 'Visual effects'),
    ('01970000000070008000000000000005', 'Sound and music'),
    ('01970000000070008000000000000006', 'Marketing'),
    ('01970000000070008000000000000007', 'Archive');

CREATE TABLE production_usecases (
    production_id TEXT NOT NULL CONSTRAINT fk_production_usecases_production REFERENCES productions (id) ON DELETE CASCADE,
    usecase_id    TEXT NOT NULL CONSTRAINT fk_production_usecases_usecase REFERENCES usecases (id) ON DELETE CASCADE,
    CONSTRAINT pk_production_usecases PRIMARY KEY (production_id, usecase_id)
);
CREATE INDEX ix_production_usecases_usecase ON production_usecases (usecase_id);

-- The folder that a production keeps its own pictures in.
ALTER TABLE productions ADD COLUMN asset_project_id TEXT;
