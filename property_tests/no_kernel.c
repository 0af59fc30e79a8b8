/* A shared library that has nothing to do with attest. */
int answer(void);
int answer(void) { return 42; }
