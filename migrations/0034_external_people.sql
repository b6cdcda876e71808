-- The id that somebody has in the system that manages them, if another one does; and folders that
-- let in nobody but such people, with all below them. Teams have had the same since 0030.
ALTER TABLE users ADD COLUMN external_idp_id TEXT;
ALTER TABLE projects ADD COLUMN externally_managed BOOLEAN NOT NULL DEFAULT FALSE;

-- The task that makes a folder by copying, until all of its copy is there: what is left of one that
-- failed is found by it.
ALTER TABLE projects ADD COLUMN copied_by TEXT;
CREATE INDEX ix_projects_copied_by ON projects (copied_by) WHERE copied_by IS NOT NULL;
