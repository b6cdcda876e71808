import { ChatLog, type ChatMessage, type Outgoing } from '../lib/room/chat';
import { randomId } from '../lib/room/roomClient';
import type { Socket } from '../lib/socket';

/** Null where the browser keeps nothing for this page: asking alone may throw there. */
function safeStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** What is said in a room, for its page. */
export class ChatModel {
  readonly log: ChatLog;
  messages = $state.raw<readonly ChatMessage[]>([]);
  outgoing = $state.raw<readonly Outgoing[]>([]);
  /** How many messages of others this person has not seen. */
  unread = $state(0);
  readUpTo = $state(0);
  hasOlder = $state(false);
  /** What is being written. */
  draft = $state('');

  constructor(id: string, socket: Socket) {
    const onChange = () => this.#changed();
    this.log = new ChatLog({ id, socket, newId: randomId, onChange, storage: safeStorage() });
  }

  #changed(): void {
    this.messages = this.log.messages;
    this.outgoing = this.log.outgoing;
    this.unread = this.log.unread;
    this.readUpTo = this.log.readUpTo;
    this.hasOlder = this.log.hasOlder;
  }
}
