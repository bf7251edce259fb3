/* A Modbus RTU slave on libmodbus: libmodbus_slave PATH BAUD UNIT
 * Holding registers 0 to 99 (register 0 is 0x1234), and nothing else. It is written as the documentation of libmodbus
 * shows a server: receive a request, reply to it, for ever. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
    modbus_mapping_t *registers;
    modbus_t *ctx;
    int length;

    if (argc < 4) {
        fprintf(stderr, "usage: %s PATH BAUD UNIT\n", argv[0]);
        return 2;
    }
    ctx = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
    registers = modbus_mapping_new(0, 0, 100, 0);
    if (ctx == NULL || registers == NULL || modbus_set_slave(ctx, atoi(argv[3])) == -1 || modbus_connect(ctx) == -1) {
        fprintf(stderr, "failed: %s\n", modbus_strerror(errno));
        return 1;
    }
    registers->tab_registers[0] = 0x1234;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        length = modbus_receive(ctx, request);
        if (length > 0)
            modbus_reply(ctx, request, length, registers);
        else if (length == -1 && (errno == EIO || errno == EBADF || errno == ECONNRESET))
            return 1; /* the port has gone; whatever else it is, a server goes on */
    }
}
