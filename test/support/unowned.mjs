// Loaded into a service under test (node --import): makes the defects that no input can. SIGUSR2 rejects a promise that
// nobody owns; SIGWINCH throws where nobody catches.
process.on('SIGUSR2', () => void Promise.reject(new Error('a promise without an owner')));
process.on('SIGWINCH', () =>
  setImmediate(() => {
    throw new Error('thrown where nobody catches');
  }),
);
