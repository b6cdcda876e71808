import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../lib/api';
import { Attempt } from './attempt.svelte';

const attempt = () => new Attempt({ endedBy: (error) => (error as Error).message === 'ended' });

describe('Attempt', () => {
  it('is busy until it is done, and does one thing at a time', async () => {
    const saving = attempt();
    let done = () => {};
    const first = saving.run(() => new Promise<void>((resolve) => (done = resolve)));
    expect(saving.busy).toBe(true);
    const second = vi.fn();
    expect(await saving.run(second)).toBe(false);
    expect(second).not.toHaveBeenCalled();
    done();
    expect(await first).toBe(true);
    expect(saving.busy).toBe(false);
    expect(saving.problem).toBeNull();
  });

  it('says in words what went wrong, until it is tried again', async () => {
    const saving = attempt();
    const fields = [{ name: 'name', code: 407, message: 'It is too long' }];
    const refused = new ApiError({ code: 407, message: 'The data is not valid.', fields });
    expect(await saving.run(() => Promise.reject(refused))).toBe(false);
    expect(saving.problem).toBe('The data is not valid: It is too long');
    expect(saving.busy).toBe(false);
    expect(await saving.run(async () => {})).toBe(true);
    expect(saving.problem).toBeNull();
  });

  it('says nothing where the session has ended, which the page does', async () => {
    const saving = attempt();
    await saving.run(() => Promise.reject(new Error('ended')));
    expect(saving.problem).toBeNull();
    saving.fail(new Error('ended'));
    expect(saving.problem).toBeNull();
    saving.fail(new Error('The list is away.'));
    expect(saving.problem).toBe('The list is away.');
  });
});
