import { describe, expect, it } from 'vitest';
import type { Api } from './api';
import {
  byFolder,
  grantsInWords,
  PeopleApi,
  personName,
  type Grant,
  type Production,
} from './people';

const groups = [
  { id: 3, name: 'Contributor', is_admin: false },
  { id: 5, name: 'Viewer', is_admin: false },
];

function grant(more: Partial<Grant>): Grant {
  return {
    type: 'USER',
    team_name: null,
    security_group_id: 5,
    level: 'PROJECT',
    inherited: false,
    ...more,
  };
}

describe('grantsInWords', () => {
  it('says what somebody may do and where they have it from', () => {
    expect(grantsInWords([grant({})], groups)).toMatchObject({ role: 'Viewer', from: '' });
    expect(grantsInWords([grant({ inherited: true })], groups).from).toBe('from a folder above');
    const both = [grant({}), grant({ type: 'TEAM', team_name: 'Edit', security_group_id: 3 })];
    expect(grantsInWords(both, groups)).toMatchObject({
      role: 'Viewer and Contributor',
      from: 'by team Edit',
      own: both[0],
    });
    expect(grantsInWords([grant({ security_group_id: 1001 })], groups).role).toBe('Custom');
    const everywhere = grantsInWords([grant({ level: 'PRODUCTION', inherited: true })], groups);
    expect(everywhere.from).toBe('in the whole production');
    expect(grantsInWords(null, groups)).toEqual({ role: '', from: '', own: null });
  });
});

describe('personName', () => {
  it('falls back to the address', () => {
    expect(personName({ first_name: 'A', last_name: null, email: 'a@b.c' })).toBe('A');
    expect(personName({ first_name: '', last_name: '', email: 'a@b.c' })).toBe('a@b.c');
  });
});

describe('byFolder', () => {
  it('keeps productions in their folders, pinned ones first', () => {
    const production = (name: string, folder: string | null, pinned = false) =>
      ({ id: name, name, production_folder_id: folder, is_pinned: pinned }) as Production;
    const all = [
      production('B', 'f'),
      production('A', 'f'),
      production('Z', 'f', true),
      production('Loose', null),
      production('Lost', 'unknown'),
    ];
    const folders = [
      { id: 'f', name: 'Films', color: null },
      { id: 'e', name: 'Empty', color: null },
    ];
    const names = byFolder(all, folders).map((group) => [
      group.folder?.name ?? null,
      group.productions.map((one) => one.name),
    ]);
    expect(names).toEqual([
      [null, ['Loose', 'Lost']],
      ['Films', ['Z', 'A', 'B']],
    ]);
  });
});

describe('PeopleApi', () => {
  it('asks for the folders that are shown, and for no others', async () => {
    const asked: unknown[] = [];
    const api = { call: (...all: unknown[]) => Promise.resolve(asked.push(all)) };
    const people = new PeopleApi(api as unknown as Api, 'token');
    await people.roots('g');
    await people.below('f');
    expect(asked).toEqual([
      ['/get/projects', { group_id: 'g', roots_only: true, include_child_count: true }, 'token'],
      ['/get/projects', { parent_project_id: 'f', include_child_count: true }, 'token'],
    ]);
  });
});
