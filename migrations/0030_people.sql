-- Teams, production members, roles; who runs the server; what companies are limited to.

-- Whoever runs the server: above all companies for what no company may decide for itself.
ALTER TABLE users ADD COLUMN sysop BOOLEAN NOT NULL DEFAULT FALSE;
-- What they say their company is called, where that is not one of the server's.
ALTER TABLE users ADD COLUMN company_text TEXT;
ALTER TABLE users ADD COLUMN inbox_only BOOLEAN NOT NULL DEFAULT FALSE;
-- When they agreed to the consent documents, and whether they want news.
ALTER TABLE users ADD COLUMN consented BIGINT;
ALTER TABLE users ADD COLUMN marketing BOOLEAN NOT NULL DEFAULT FALSE;
-- The first person of a server is the administrator of its first start.
UPDATE users SET sysop = TRUE WHERE id = (SELECT MIN(id) FROM users WHERE is_guest = FALSE);

ALTER TABLE companies ADD COLUMN disallow_impersonation BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE companies ADD COLUMN hub_id TEXT;
ALTER TABLE companies ADD COLUMN domain_id TEXT;
-- The company's control: its limit in bytes and its days.
ALTER TABLE companies ADD COLUMN max_usage BIGINT;
ALTER TABLE companies ADD COLUMN start_date BIGINT;
ALTER TABLE companies ADD COLUMN expiry_date BIGINT;
ALTER TABLE companies ADD COLUMN control_notes TEXT;

-- People are managed here by one who does not see what they see.
INSERT INTO security_groups (id, name, lang_key, is_admin, permissions, sort_index) VALUES
    (6, 'Coordinator', 'security_group.coordinator', FALSE,
     '["can_delete_users","can_invite_users","can_view_participants","can_update_participants"]', 6);

-- What a template was made of. A template is a production that nobody works in.
ALTER TABLE productions ADD COLUMN template_of TEXT;

-- What somebody is called in a team.
CREATE TABLE roles (
    id         TEXT NOT NULL CONSTRAINT pk_roles PRIMARY KEY,
    company_id TEXT NOT NULL CONSTRAINT fk_roles_company REFERENCES companies (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    -- The name in lower case.
    name_key   TEXT NOT NULL,
    CONSTRAINT uq_roles_name UNIQUE (company_id, name_key)
);

-- A team of a company, or of one of its productions. A company's administration team has the id
-- of its company; its members are the company's administrators (see the view below).
CREATE TABLE teams (
    id                     TEXT    NOT NULL CONSTRAINT pk_teams PRIMARY KEY,
    company_id             TEXT    NOT NULL CONSTRAINT fk_teams_company REFERENCES companies (id) ON DELETE CASCADE,
    production_id          TEXT    CONSTRAINT fk_teams_production REFERENCES productions (id),
    -- The production's id, or nothing at all: names are unique in it.
    scope                  TEXT    NOT NULL DEFAULT '',
    name                   TEXT    NOT NULL,
    name_key               TEXT    NOT NULL,
    is_admin               BOOLEAN NOT NULL DEFAULT FALSE,
    locked                 BOOLEAN NOT NULL DEFAULT FALSE,
    externally_managed     BOOLEAN NOT NULL DEFAULT FALSE,
    default_security_group INTEGER NOT NULL DEFAULT 5 CONSTRAINT fk_teams_security_group REFERENCES security_groups (id),
    settings               TEXT    NOT NULL DEFAULT '{}',
    created                BIGINT  NOT NULL,
    CONSTRAINT uq_teams_name UNIQUE (company_id, scope, name_key)
);
CREATE INDEX ix_teams_production ON teams (production_id);
INSERT INTO teams (id, company_id, name, name_key, is_admin, default_security_group, created)
    SELECT id, id, 'Administrators', 'administrators', TRUE, 1, created FROM companies;

CREATE TABLE team_members (
    team_id           TEXT    NOT NULL CONSTRAINT fk_team_members_team REFERENCES teams (id) ON DELETE CASCADE,
    user_id           TEXT    NOT NULL CONSTRAINT fk_team_members_user REFERENCES users (id) ON DELETE CASCADE,
    security_group_id INTEGER NOT NULL CONSTRAINT fk_team_members_security_group REFERENCES security_groups (id),
    role_id           TEXT    CONSTRAINT fk_team_members_role REFERENCES roles (id),
    created           BIGINT  NOT NULL,
    CONSTRAINT pk_team_members PRIMARY KEY (team_id, user_id)
);
CREATE INDEX ix_team_members_user ON team_members (user_id);

-- A membership of a production counts for all of its folders, until a folder has another one for
-- the same person.
CREATE TABLE production_members (
    production_id     TEXT    NOT NULL CONSTRAINT fk_production_members_production REFERENCES productions (id) ON DELETE CASCADE,
    user_id           TEXT    NOT NULL CONSTRAINT fk_production_members_user REFERENCES users (id) ON DELETE CASCADE,
    security_group_id INTEGER NOT NULL CONSTRAINT fk_production_members_security_group REFERENCES security_groups (id),
    project_role      TEXT,
    created           BIGINT  NOT NULL,
    CONSTRAINT pk_production_members PRIMARY KEY (production_id, user_id)
);
CREATE INDEX ix_production_members_user ON production_members (user_id);

-- Where teams have been let in: a folder with all below it, or a whole production.
CREATE TABLE project_teams (
    project_id TEXT   NOT NULL CONSTRAINT fk_project_teams_project REFERENCES projects (id) ON DELETE CASCADE,
    team_id    TEXT   NOT NULL CONSTRAINT fk_project_teams_team REFERENCES teams (id) ON DELETE CASCADE,
    created    BIGINT NOT NULL,
    CONSTRAINT pk_project_teams PRIMARY KEY (project_id, team_id)
);
CREATE INDEX ix_project_teams_team ON project_teams (team_id);
CREATE TABLE production_teams (
    production_id TEXT   NOT NULL CONSTRAINT fk_production_teams_production REFERENCES productions (id) ON DELETE CASCADE,
    team_id       TEXT   NOT NULL CONSTRAINT fk_production_teams_team REFERENCES teams (id) ON DELETE CASCADE,
    created       BIGINT NOT NULL,
    CONSTRAINT pk_production_teams PRIMARY KEY (production_id, team_id)
);
CREATE INDEX ix_production_teams_team ON production_teams (team_id);

-- Who is in which team, administration teams among them.
CREATE VIEW team_people AS
    SELECT team_id, user_id, security_group_id, role_id, created FROM team_members
    UNION ALL
    SELECT company_id, user_id, 1, NULL, created FROM company_members WHERE is_admin;

-- Everybody who has any part in a company.
CREATE VIEW company_people AS
    SELECT company_id, user_id FROM company_members
    UNION SELECT t.company_id, m.user_id FROM team_members m JOIN teams t ON t.id = m.team_id
    UNION SELECT n.company_id, m.user_id FROM production_members m
        JOIN productions n ON n.id = m.production_id
        WHERE n.status <> 'DELETED' AND n.template_of IS NULL
    UNION SELECT n.company_id, m.user_id FROM project_members m
        JOIN projects p ON p.id = m.project_id JOIN productions n ON n.id = p.production_id
        WHERE p.status <> 'DELETED' AND n.status <> 'DELETED' AND n.template_of IS NULL;
