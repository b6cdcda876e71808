import { byName } from './names';
import { ApiError, ApiPart, Code } from './api';

export interface Company {
  id: string;
  name: string;
  is_admin: boolean | null;
}

export interface Production {
  id: string;
  name: string;
  description: string | null;
  company_id: string;
  company_name: string | null;
  production_folder_id: string | null;
  child_count: number | null;
  is_admin: boolean | null;
  is_pinned: boolean | null;
  can_view_participants: boolean | null;
  can_update_participants: boolean | null;
  can_create_rooms?: boolean | null;
}

export interface ProductionFolder {
  id: string;
  name: string;
  color: string | null;
}

export interface Folder {
  id: string;
  name: string;
  description: string | null;
  /** The production it is in. */
  group: string;
  company_id: string;
  parent_project_id: string | null;
  asset_count: number | null;
  child_count: number | null;
  is_admin: boolean | null;
  can_invite_users: boolean | null;
  can_view: boolean | null;
  can_create_live_stream?: boolean | null;
  can_view_participants: boolean | null;
  can_update_participants: boolean | null;
  breadcrumbs: { id: string; name: string }[] | null;
}

export interface SecurityGroup {
  id: number;
  name: string;
  is_admin: boolean | null;
}

/** What lets somebody into a folder. */
export interface Grant {
  type: 'USER' | 'TEAM';
  team_name: string | null;
  security_group_id: number;
  level: 'PROJECT' | 'PRODUCTION';
  inherited: boolean;
}

export interface Participant {
  id: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  company: string | null;
  account_status: 'INVITED' | 'ACTIVE' | 'DELETED' | null;
  project_permissions: Grant[] | null;
}

export interface Invitation {
  email: string;
  first_name: string;
  last_name: string;
  security_group: number;
  project_role?: string;
}

/** The calls about people and productions. */
export class PeopleApi extends ApiPart {
  companies(): Promise<Company[]> {
    return this.call('/get/companies', {});
  }

  productions(): Promise<Production[]> {
    return this.call('/get/groups', {});
  }

  production(id: string): Promise<Production> {
    return this.call('/get/group', { id });
  }

  productionFolders(company: string): Promise<ProductionFolder[]> {
    return this.call('/get/company/production_folders', { id: company });
  }

  pin(production: string, pinned: boolean): Promise<unknown> {
    return this.call('/home/update/user/production', { production_id: production, pinned });
  }

  /** The outermost folders of a production that one sees: their parents one does not see. */
  roots(production: string): Promise<Folder[]> {
    return this.call('/get/projects', {
      group_id: production,
      roots_only: true,
      include_child_count: true,
    });
  }

  /** The folders right below one. */
  below(folder: string): Promise<Folder[]> {
    return this.call('/get/projects', { parent_project_id: folder, include_child_count: true });
  }

  folder(id: string): Promise<Folder> {
    return this.call('/get/project', { id, include_breadcrumbs: true });
  }

  assets(folder: string): Promise<
    {
      id: string;
      name: string;
      type: string | null;
      subtype: string | null;
      is_live: boolean | null;
      duration: number | null;
    }[]
  > {
    return this.call('/get/assets', { project_id: folder });
  }

  createFolder(production: string, parent: string | null, name: string): Promise<Folder> {
    return this.call('/create/project', {
      group_id: production,
      name,
      ...(parent ? { parent_project_id: parent } : {}),
    });
  }

  participants(folder: string): Promise<Participant[]> {
    return this.call('/get/users', { project_id: folder });
  }

  productionPeople(production: string): Promise<Participant[]> {
    return this.call('/get/group/users', { id: production });
  }

  securityGroups(company: string): Promise<SecurityGroup[]> {
    return this.call('/get/security/groups', { company_id: company });
  }

  inviteToFolder(folder: string, invitation: Invitation): Promise<{ new_user: boolean | null }> {
    return this.call('/invite/user', { ...invitation, project_id: folder });
  }

  inviteToProduction(
    production: string,
    invitation: Invitation,
  ): Promise<{ new_user: boolean | null }> {
    return this.call('/invite/user', { ...invitation, group_id: production });
  }

  setSecurityGroup(folder: string, user: string, group: number): Promise<unknown> {
    return this.call('/update/project/user', {
      project_id: folder,
      user_id: user,
      security_group: group,
    });
  }

  letDeviceIn(userCode: string): Promise<unknown> {
    return this.call('/authenticate/device/verify/code', { user_code: userCode });
  }
}

/** Why a page stays empty. The server does not say whether a thing is gone or only not for one's eyes. */
export function whyAbsent(error: unknown, thing: string): string {
  return error instanceof ApiError && error.code === Code.NOT_FOUND
    ? `This ${thing} does not exist any more, or you have not been let into it.`
    : (error as Error).message;
}

/** What a person is called: their name, or else their address. */
export function personName(
  person: Pick<Participant, 'first_name' | 'last_name' | 'email'>,
): string {
  const name = [person.first_name, person.last_name].filter(Boolean).join(' ').trim();
  return name || person.email || 'Unknown';
}

/** What a person may do in a folder, in a few words, and where they have it from. */
export function grantsInWords(
  grants: readonly Grant[] | null,
  groups: readonly SecurityGroup[],
): { role: string; from: string; own: Grant | null } {
  const nameOf = (id: number) => groups.find((group) => group.id === id)?.name ?? 'Custom';
  const all = grants ?? [];
  const own = all.find((grant) => grant.type === 'USER') ?? null;
  const roles = [...new Set(all.map((grant) => nameOf(grant.security_group_id)))];
  const where = (grant: Grant) => {
    if (grant.team_name) return `by team ${grant.team_name}`;
    if (grant.level === 'PRODUCTION') return 'in the whole production';
    return grant.inherited ? 'from a folder above' : '';
  };
  const from = [...new Set(all.map(where))].filter(Boolean);
  return { role: roles.join(' and '), from: from.join(', '), own };
}

/** Productions by the folder they are kept in, pinned ones first; those in none are without a name. */
export function byFolder(
  productions: readonly Production[],
  folders: readonly ProductionFolder[],
): { folder: ProductionFolder | null; productions: Production[] }[] {
  const sorted = [...productions].sort(
    (a, b) => Number(b.is_pinned) - Number(a.is_pinned) || byName(a, b),
  );
  const within = (id: string | null) =>
    sorted.filter((production) => (production.production_folder_id ?? null) === id);
  const known = new Set(folders.map((folder) => folder.id));
  const loose = sorted.filter(
    (production) => !production.production_folder_id || !known.has(production.production_folder_id),
  );
  const groups = [...folders]
    .sort(byName)
    .map((folder) => ({ folder, productions: within(folder.id) }));
  return [{ folder: null, productions: loose }, ...groups].filter(
    (group) => group.productions.length > 0,
  );
}
