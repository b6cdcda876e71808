-- What is below a folder is asked for with its status, by lists and by every walk down the tree: the
-- index answers that alone.
DROP INDEX ix_projects_parent;
CREATE INDEX ix_projects_parent ON projects (parent_project_id, status, id);
