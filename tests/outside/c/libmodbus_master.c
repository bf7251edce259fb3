/* A Modbus master on libmodbus: libmodbus_master rtu PATH BAUD PARITY | tcp HOST PORT
 * Prints one line for each step, "ok NAME VALUES", and ends with status 1 at the first that fails. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *what)
{
    printf("failed %s: %s\n", what, modbus_strerror(errno));
    return 1;
}

static modbus_t *connection(char **argv)
{
    modbus_t *ctx;
    if (strcmp(argv[1], "rtu") == 0)
        ctx = modbus_new_rtu(argv[2], atoi(argv[3]), argv[4][0], 8, 1);
    else
        ctx = modbus_new_tcp(argv[2], atoi(argv[3]));
    if (ctx == NULL)
        return NULL;
    modbus_set_response_timeout(ctx, 60, 0);
    modbus_set_byte_timeout(ctx, 0, 0); /* the machine may be busy: the reply as a whole has that time */
    modbus_set_slave(ctx, 1);
    if (modbus_connect(ctx) == -1) {
        modbus_free(ctx);
        return NULL;
    }
    return ctx;
}

int main(int argc, char **argv)
{
    uint16_t some[3] = {1, 2, 65535}, back[125], both[2];
    uint8_t bits[3];
    modbus_t *ctx;
    int n;

    if (argc < 4) {
        fprintf(stderr, "usage: %s rtu PATH BAUD PARITY | tcp HOST PORT\n", argv[0]);
        return 2;
    }
    if ((ctx = connection(argv)) == NULL)
        return failed("connect");
    if (modbus_write_registers(ctx, 10, 3, some) != 3)
        return failed("write");
    printf("ok write\n");
    if (modbus_read_registers(ctx, 10, 3, back) != 3)
        return failed("read");
    printf("ok read %u %u %u\n", back[0], back[1], back[2]);
    if (modbus_write_bit(ctx, 5, 1) != 1 || modbus_read_bits(ctx, 4, 3, bits) != 3)
        return failed("coils");
    printf("ok coils %u %u %u\n", bits[0], bits[1], bits[2]);
    if (modbus_read_registers(ctx, 0, 125, back) != 125)
        return failed("long");
    printf("ok long 125\n");
    if (modbus_write_and_read_registers(ctx, 20, 1, some, 20, 2, both) != 2)
        return failed("write and read");
    printf("ok write and read %u %u\n", both[0], both[1]);
    if (modbus_mask_write_register(ctx, 10, 0x00f2, 0x0025) == -1 || modbus_read_registers(ctx, 10, 1, back) != 1)
        return failed("mask");
    printf("ok mask %u\n", back[0]);
    if (modbus_read_registers(ctx, 5000, 1, back) != -1 || errno != EMBXILADD)
        return failed("refused");
    printf("ok refused\n");
    modbus_set_slave(ctx, 99);
    modbus_set_response_timeout(ctx, 2, 0);
    if (modbus_read_registers(ctx, 0, 1, back) != -1 || (errno != ETIMEDOUT && errno != EMBXGTAR))
        return failed("silent");
    printf("ok silent\n");
    modbus_flush(ctx);
    for (n = 0; n < 10; n++) { /* restarts: close and open again, as a service that is restarted does */
        modbus_close(ctx);
        modbus_free(ctx);
        if ((ctx = connection(argv)) == NULL)
            return failed("connect again");
        if (modbus_read_registers(ctx, 11, 1, back) != 1 || back[0] != 2)
            return failed("read again");
    }
    printf("ok restarts %d\n", n);
    modbus_close(ctx);
    modbus_free(ctx);
    printf("ok closed\n");
    return 0;
}
