import { describe, expect, it } from 'vitest';
import { ApiError, Unreachable } from '../lib/api';
import { nameProblem, signInProblem } from './signInErrors';

const refused = (code: number, status = 400) => new ApiError({ code, message: 'server' }, status);

describe('signInProblem', () => {
  it('offers to try again only where that can help', () => {
    expect(signInProblem(new Unreachable(), 'sign-in').again).toBe(true);
    expect(signInProblem(refused(409, 429), 'sign-in').again).toBe(true);
    expect(signInProblem(refused(500, 500), 'guest').again).toBe(true);
    expect(signInProblem(refused(405, 401), 'sign-in').again).toBe(false);
    expect(signInProblem(refused(675), 'guest').again).toBe(false);
    expect(signInProblem(refused(677), 'guest').again).toBe(false);
  });

  it('tells a used link from a wrong one', () => {
    expect(signInProblem(refused(405, 401), 'sign-in').title).toContain('any more');
    expect(signInProblem(refused(405, 401), 'guest').title).toBe('This link does not work');
  });
});

describe('nameProblem', () => {
  it('knows that it is the names', () => {
    const fields = [{ name: 'lastname', code: 407, message: 'is not a name' }];
    expect(nameProblem(new ApiError({ code: 407, message: 'no', fields }, 400))).toContain('last');
    expect(nameProblem(refused(405, 401))).toBeNull();
    expect(nameProblem(new Unreachable())).toBeNull();
  });
});
