# alibicheck: `make help` explains the targets, config.mk the settings.

include config.mk

# ---- parts, in order of dependence: harness -> kernels -> reference -------------------------------------------
REFERENCE := $(sort $(wildcard reference/*.c))
KERNELS   := $(sort $(wildcard kernels/*.c))
KERNELS_CU := $(sort $(wildcard kernels/*.cu))
HARNESS   := $(filter-out harness/main.c,$(sort $(wildcard harness/*.c)))
TESTS     := $(sort $(wildcard */tests/test_*.c))
BENCH     := $(sort $(wildcard */tests/bench_*.c))
FUZZ      := $(sort $(wildcard */tests/fuzz_*.c))

ifeq ($(HAVE_NVCC),)
KERNELS := $(filter-out kernels/device_cuda.c,$(KERNELS))
else
KERNELS := $(filter-out kernels/device_cuda_absent.c,$(KERNELS))
CUDA_OBJECTS := $(KERNELS_CU:%.cu=$(BUILD)/%.cuda.o)
endif
ifeq ($(CUDA_TARGETS_ONLY),)
endif

HOST_KERNEL_OBJECTS := $(KERNELS_CU:%.cu=$(BUILD)/%.host.o)
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(REFERENCE) $(KERNELS) $(HARNESS)) $(HOST_KERNEL_OBJECTS) $(CUDA_OBJECTS)
LIBRARY := $(BUILD)/libalibicheck.a
PROGRAM := $(BUILD)/alibicheck
TEST_PROGRAMS  := $(TESTS:%.c=$(BUILD)/%)
BENCH_PROGRAMS := $(BENCH:%.c=$(BUILD)/%)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

.DEFAULT_GOAL := all
.PHONY: all check check-tests check-format check-golden bench sanitize fuzz soak install clean help format cuda-objects
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAM)  ## build build/alibicheck (the default)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# A kernel is CUDA C: gcc or clang compile it for the host device, nvcc for the GPU.
$(BUILD)/%.host.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -x c -c $< -o $@

$(BUILD)/%.cuda.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,NVCC,$<)
	$(Q)$(NVCC) $(NVCCFLAGS_ALL) -MD -MF $(@:.o=.d) -c $< -o $@

$(LIBRARY): $(LIBRARY_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(PROGRAM): $(BUILD)/harness/main.o $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

$(TEST_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -lcmocka $(LIBS) -o $@

$(BENCH_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -lopenblas $(LIBS) -o $@

# Rewritten only when a compiler or a flag changes, so that a change of settings rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(NVCC) $(NVCCFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS)' | cmp -s - $@ || \
	  echo '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(NVCC) $(NVCCFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS)' > $@
FORCE:

check: check-format check-tests check-golden  ## run every test

check-tests: $(TEST_PROGRAMS) $(PROGRAM)
	$(Q)BUILD=$(BUILD) scripts/run-tests $(TEST_PROGRAMS)

check-golden: $(PROGRAM)
	$(Q)BUILD=$(BUILD) harness/tests/golden/run

check-format:
	$(call say,FORMAT,'clang-format --dry-run')
	$(Q)$(CLANG_FORMAT) --dry-run --Werror $(SOURCES_TO_FORMAT)

SOURCES_TO_FORMAT = $(sort $(wildcard */*.[ch] */*.cu */tests/*.[ch] */tests/*.cu))

format:  ## rewrite the sources in the house format
	$(Q)$(CLANG_FORMAT) -i $(SOURCES_TO_FORMAT)

bench: $(BENCH_PROGRAMS)  ## time what is promised; one JSON object a line on stdout
	$(Q)for program in $(BENCH_PROGRAMS); do $$program || exit 1; done

sanitize:  ## every test under the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory BUILD=build-sanitize SANITIZE=1 NVCC= check-tests check-golden

install: $(PROGRAM)  ## install into DESTDIR/PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/alibicheck
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/alibicheck
	cp -R cases $(DESTDIR)$(PREFIX)/share/alibicheck/

clean:  ## remove what was built
	rm -rf build build-*

help:  ## this text
	@echo 'make [TARGET] [SETTING=VALUE]; the settings are described in config.mk.'
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-12s %s\n", $$1, $$2}'

-include $(LIBRARY_OBJECTS:.o=.d) $(BUILD)/harness/main.d $(TEST_PROGRAMS:=.d) $(BENCH_PROGRAMS:=.d)
