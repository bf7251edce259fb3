/* Collect the ratings of a hall, in C with libmodbus.
 *
 *     gcc -std=c11 -O1 -o collector collector.c -lmodbus
 *     ./collector PORT RECORDS.csv FIRST-LAST
 *
 * Polls rating keypads of profile RK-1 and appends one line for each rating to a CSV file, which is on the disk before the
 * keypad is told that it may forget the rating. A rating that is offered again (its acknowledgement was lost) is known by
 * boot epoch and sequence number. A port that disappears (a USB adapter is pulled) is opened again when it is back.
 * SIGTERM ends it between two polls. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <modbus/modbus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WAITING = 0x0004, EVENTS = 0x0100, ACKNOWLEDGE = 0x0000, WORDS = 8, MOST = 15, UNITS = 248 };

static volatile sig_atomic_t ended;
static struct { int known; uint16_t epoch, seq; } last[UNITS];

static void end(int number)
{
    (void)number;
    ended = 1;
}

/* Whether an event comes after the last one stored of its unit: numbers wrap, a new epoch begins anew. */
static int is_new(int unit, uint16_t epoch, uint16_t seq)
{
    return !last[unit].known || epoch != last[unit].epoch || (int16_t)(seq - last[unit].seq) > 0;
}

/* What an earlier run has stored: the last event of each unit, so that none is stored twice after a restart. */
static void remember(FILE *records)
{
    char line[128];
    unsigned unit, epoch, seq;

    rewind(records);
    while (fgets(line, sizeof line, records) != NULL)
        if (sscanf(line, "keypad-%u,%*u,%*u,%*u,%*u.%*u,%u,%u", &unit, &epoch, &seq) == 3 && unit < UNITS) {
            last[unit].known = 1;
            last[unit].epoch = (uint16_t)epoch;
            last[unit].seq = (uint16_t)seq;
        }
    fseek(records, 0, SEEK_END);
}

/* The silence of 3.5 characters that ends a frame, before the next one: libmodbus does not wait by itself. */
static void quiet(void)
{
    const struct timespec silence = {0, 5 * 1000 * 1000};

    nanosleep(&silence, NULL);
}

/* One keypad: fetch, store, acknowledge. Returns -1 when it did not answer; it is asked again in the next round. */
static int collect(modbus_t *bus, FILE *records, int unit)
{
    uint16_t count, event[WORDS * MOST], done[2];
    int i;

    modbus_set_slave(bus, unit);
    if (modbus_read_input_registers(bus, WAITING, 1, &count) != 1)
        return -1;
    quiet();
    if (count > MOST)
        count = MOST;
    if (count == 0)
        return 0;
    if (modbus_read_input_registers(bus, EVENTS, WORDS * count, event) != WORDS * count)
        return -1;
    for (i = 0; i < count; i++) {
        const uint16_t *e = event + WORDS * i;
        if (!is_new(unit, e[0], e[1]))
            continue;
        fprintf(records, "keypad-%d,%u,%u,%u,%lu.%03u,%u,%u\n", unit, e[6], e[7], e[2] & 0xFF,
                (unsigned long)e[3] << 16 | e[4], e[5], e[0], e[1]);
        last[unit].known = 1;
        last[unit].epoch = e[0];
        last[unit].seq = e[1];
    }
    if (fflush(records) != 0 || fsync(fileno(records)) != 0) {
        perror("records");
        exit(1); /* nothing more may be acknowledged */
    }
    quiet();
    done[0] = event[WORDS * (count - 1)];
    done[1] = event[WORDS * (count - 1) + 1];
    return modbus_write_registers(bus, ACKNOWLEDGE, 2, done) == 2 ? 0 : -1;
}

/* Whether the port itself failed: anything but a reply that is missing, damaged or an exception. */
static int is_gone(int error)
{
    return error != ETIMEDOUT && error < MODBUS_ENOBASE;
}

/* Open the port again, each second until it is there. */
static void reopen(modbus_t *bus, const char *port)
{
    modbus_close(bus);
    while (!ended && modbus_connect(bus) == -1)
        sleep(1);
    if (!ended)
        fprintf(stderr, "%s is open again\n", port);
}

int main(int argc, char **argv)
{
    const struct timespec pause = {0, 300 * 1000 * 1000};
    struct sigaction action = {0};
    modbus_t *bus;
    FILE *records;
    int first, beyond, unit;

    if (argc != 4 || sscanf(argv[3], "%d-%d", &first, &beyond) != 2 || first < 1 || beyond >= UNITS) {
        fprintf(stderr, "usage: %s PORT RECORDS.csv FIRST-LAST\n", argv[0]);
        return 2;
    }
    action.sa_handler = end;
    sigaction(SIGTERM, &action, NULL);
    bus = modbus_new_rtu(argv[1], 9600, 'N', 8, 1);
    if (bus == NULL || modbus_connect(bus) == -1) {
        fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
        return 1;
    }
    modbus_set_response_timeout(bus, 0, 300000);
    records = fopen(argv[2], "a+");
    if (records == NULL) {
        perror(argv[2]);
        return 1;
    }
    remember(records);
    if (ftell(records) == 0)
        fprintf(records, "device,clerk,ticket,value,at,epoch,seq\n");
    while (!ended) {
        for (unit = first; unit <= beyond && !ended; unit++) {
            if (collect(bus, records, unit) == -1) {
                const int error = errno;
                fprintf(stderr, "unit %d: %s\n", unit, modbus_strerror(error));
                if (is_gone(error))
                    reopen(bus, argv[1]);
                else
                    modbus_flush(bus); /* half a reply must not be taken for the next one */
            }
            quiet();
        }
        nanosleep(&pause, NULL);
    }
    fclose(records);
    modbus_close(bus);
    modbus_free(bus);
    return 0;
}
