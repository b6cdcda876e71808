// How a browser keeps to the frame of its room. Nothing here touches the page.
export * from './buffers';
export * from './clock';
export * from './follower';
export * from './timeline';
export * from './live';
