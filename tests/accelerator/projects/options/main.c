#include "answer.h"

int main(void)
{
    printf("%d, by a compiler of %zu bits for pointers\n", answer(), 8 * sizeof(void *));
    return 0;
}
