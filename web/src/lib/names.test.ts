import { expect, test } from 'vitest';
import { byName } from './names';

test('numbers in names count as numbers', () => {
  const names = ['Scene 10', 'scene 2', 'Ångström', 'Scene 1'].map((name) => ({ name }));
  expect(names.sort(byName).map(({ name }) => name)).toEqual([
    'Ångström',
    'Scene 1',
    'scene 2',
    'Scene 10',
  ]);
});
