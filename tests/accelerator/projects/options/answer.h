#include <stdio.h>
int answer(void);
