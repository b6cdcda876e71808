import { ApiError, Code, Unreachable } from '../lib/api';

export interface SignInProblem {
  title: string;
  text: string;
  /** Whether the same may be tried again. */
  again: boolean;
}

/** Says in words what kept somebody from signing in by a link. */
export function signInProblem(error: unknown, link: 'sign-in' | 'guest'): SignInProblem {
  if (error instanceof Unreachable) {
    return {
      title: 'No connection',
      text: 'The server does not answer. Your link is still good.',
      again: true,
    };
  }
  if (error instanceof ApiError && error.code === Code.TOO_MANY_FAILURES) {
    return {
      title: 'Too many attempts',
      text: 'Too many sign-ins have failed from here. Try again in 15 minutes.',
      again: true,
    };
  }
  if (error instanceof ApiError && error.code === Code.ROOM_COMPLETE) {
    return { title: 'This room is complete', text: 'It takes no more guests.', again: false };
  }
  if (error instanceof ApiError && error.code === Code.GUEST_UPGRADED) {
    return {
      title: 'You have an account now',
      text: 'This guest link is no longer needed: use the sign-in link of your own account.',
      again: false,
    };
  }
  if (error instanceof ApiError && (error.code === Code.TOO_FAST || (error.status ?? 0) >= 500)) {
    return { title: 'Not right now', text: error.message, again: true };
  }
  return link === 'sign-in'
    ? {
        title: 'This link does not work any more',
        text: 'A sign-in link works once, and for a limited time. Ask whoever sent it for a new one.',
        again: false,
      }
    : {
        title: 'This link does not work',
        text: 'It is incomplete, or the room has been closed to guests. Ask whoever sent it for a new one.',
        again: false,
      };
}

/** What is wrong with the names that a guest gave, if that is the problem. */
export function nameProblem(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  const wrong = new Set(error.fields.map((field) => field.name));
  if (wrong.has('firstname')) return 'The first name cannot be used. Please write it another way.';
  if (wrong.has('lastname')) return 'The last name cannot be used. Please write it another way.';
  return null;
}
