# Settings of the build. Each can be given on the command line: make CC=clang BUILD=build-clang

# Where everything that is built goes.
BUILD ?= build

# The C compiler, for all but the GPU. gcc 12 and 14, clang 14 and 19 are tested.
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
OBJCOPY ?= objcopy
# Version 14, or no two machines agree on the format.
CLANG_FORMAT ?= scripts/clang-format

# nvcc, if there is one, that of `scripts/setup cuda` last; `make NVCC=` builds the host device alone.
PACKAGED_NVCC = $(if $(wildcard .packages/cuda/packages),$(abspath $(wildcard .packages/cuda/lib/python3*/site-packages/nvidia/cu*/bin/nvcc)))
FOUND_NVCC := $(firstword $(wildcard $(shell command -v nvcc 2>/dev/null) $(CUDA_HOME)/bin/nvcc /usr/local/cuda/bin/nvcc) $(PACKAGED_NVCC))
NVCC ?= $(FOUND_NVCC)
HAVE_NVCC := $(strip $(NVCC))

# GPU architectures that get machine code (the last one also PTX for newer ones).
CUDA_ARCHS ?= 80 90

# What links `make portable`, against the symbols of an old glibc: that of `scripts/setup portable`, unless there is one.
ZIG ?= $(or $(shell command -v zig 2>/dev/null),$(if $(wildcard .packages/portable/packages),$(abspath $(wildcard .packages/portable/lib/python3*/site-packages/ziglang/zig))))

# Instruction set of the host code. The results do not depend on it, the speed does. Empty: the compiler's default.
ifeq ($(origin ARCH),undefined)
ARCH := $(shell grep -qw avx2 /proc/cpuinfo 2>/dev/null && echo x86-64-v3)
endif

# 1: address and undefined-behaviour sanitizers. fuzzer: both, and what libFuzzer watches (clang). thread: that of threads.
SANITIZE ?=

# How long `make fuzz` runs each fuzz target.
FUZZ_SECONDS ?= 60

# Where `make install` puts things.
PREFIX ?= /usr/local
DESTDIR ?=

# Arb, which one test and one benchmark compare with; `make ARB_LIBS=` does without.
ARB_LIBS ?= $(if $(wildcard /usr/include/arb.h),-lflint-arb -lflint,$(if $(wildcard /usr/include/flint/arb.h),-lflint))

# V=1 shows the commands.
V ?=

# ---- derived ----------------------------------------------------------------------------------------------------
# The program's own, which --version and records tell.
VERSION := 0.1
, := ,
PACKAGES := libfyaml jansson libxml-2.0 zlib
PACKAGE_CPPFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
# clang says of an `omp simd` loop that it did not vectorise it; gcc does not, and neither is an error. clang 19 objects
# to an enumerator beside a double; here the enumerators of enums without a name are the integer constants.
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wundef -Wformat=2 -Werror $(if $(IS_CLANG),-Wno-pass-failed -Wno-enum-float-conversion)
# Of values and lengths gcc knows less at -O1, and warns of what may be.
WARNINGS += $(if $(SANITIZE),$(if $(IS_CLANG),,-Wno-maybe-uninitialized -Wno-format-truncation))
SANITIZERS := $(if $(SANITIZE),-fsanitize=$(if $(filter thread,$(SANITIZE)),thread,address$(,)undefined))
SANITIZERS_COMPILE := $(if $(SANITIZE),-fno-sanitize-recover=all -fno-omit-frame-pointer) \
                      $(if $(filter fuzzer,$(SANITIZE)),-fsanitize=fuzzer-no-link)

# xxhash.h reads through pointers to integers unless it is told to copy, which no compiler may be trusted with: gcc 14 has
# a hash of a struct's bytes run before they are written.
XXHASH_CPPFLAGS := -DXXH_FORCE_MEMORY_ACCESS=0
CPPFLAGS_ALL = -I. -D_GNU_SOURCE $(XXHASH_CPPFLAGS) $(if $(SANITIZE),-DSIMT_SHARED_BODY) $(PACKAGE_CPPFLAGS) $(CPPFLAGS)
# With sanitizers -O2 takes twice as long to compile, and the tests are hardly faster for it.
OPTIMIZE = $(if $(SANITIZE),-O1,-O2)
# Kernels on the host device and the certified truth spend their time in loops that -O3 unrolls. With sanitizers that
# takes minutes, so there, as in the replay of explain, a kernel's variants share one body (kernels/dialect/intrinsics.h).
OPTIMIZE_KERNELS = $(if $(SANITIZE),-O1,-O3)
OPTIMIZE_REPLAY = $(if $(SANITIZE),-O0,-O1)
# -ffp-contract=off: a*b+c is two roundings everywhere, an fma is written as one.
CFLAGS_ALL = -std=gnu17 $(OPTIMIZE) -g -ffp-contract=off -fno-math-errno -fopenmp $(WARNINGS) \
             $(if $(ARCH),-march=$(ARCH)) $(SANITIZERS) $(SANITIZERS_COMPILE) $(CFLAGS)
# Objects of the library may stand in a shared one, and show nothing but its interface.
CFLAGS_LIBRARY = -fPIC -fvisibility=hidden -DALIBICHECK_BUILD
LIBRARY_LIBS = -ljansson -lmpfr -lgmp -lxxhash -lm
# xxHash first: the static libfyaml has one of its own, which is then not taken.
RUN_LIBS = -lxxhash -lfyaml $(LIBRARY_LIBS) -ldl
OPENMP_LIB = $(if $(IS_CLANG),-lomp,-lgomp)
# ThreadSanitizer sees what threads wait for if it has compiled that, too.
OPENMP_PARTS = $(if $(filter thread,$(SANITIZE)),$(BUILD)/harness/portable_openmp.o)
LDFLAGS_ALL = $(if $(OPENMP_PARTS),,-fopenmp) $(SANITIZERS) $(LDFLAGS)
LIBS = $(PACKAGE_LIBS) -lmpfr -lgmp -lxxhash -lm \
       $(if $(HAVE_NVCC),-L$(CUDA_LIBRARY_DIR) -lcudart_static -lpthread -lrt) -ldl

CUDA_LIBRARY_DIR = $(dir $(firstword $(wildcard $(addsuffix /libcudart_static.a,$(addprefix $(dir $(realpath $(NVCC)))../,lib64 lib lib/x86_64-linux-gnu) /usr/lib/x86_64-linux-gnu))))
PORTABLE_CUDART = $(if $(HAVE_NVCC),$(CUDA_LIBRARY_DIR)libcudart_static.a)
CUDA_CPPFLAGS = $(addprefix -isystem,$(wildcard $(dir $(realpath $(NVCC)))../include))
# CUDA's headers, for tests that make its calls without a GPU; of them `make NVCC=` has use, too.
CUDA_HEADERS := $(abspath $(wildcard $(addsuffix ../include/cuda_runtime_api.h,$(dir $(realpath $(or $(HAVE_NVCC),$(FOUND_NVCC)))))))
FAKE_GPU_CPPFLAGS = $(addprefix -isystem,$(dir $(CUDA_HEADERS)))
# -fmad=false: the same contract as -ffp-contract=off. -fno-threadsafe-statics keeps libstdc++ out of the link.
NVCCFLAGS_ALL = -I. -O3 -std=c++17 -fmad=false -Werror all-warnings -Xcompiler -fno-threadsafe-statics \
    $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$(a)$(,)code=sm_$(a)) \
    -gencode arch=compute_$(lastword $(CUDA_ARCHS))$(,)code=compute_$(lastword $(CUDA_ARCHS)) $(CUDA_FORMS_FLAGS) $(NVCCFLAGS)
# CUDA_FORMS=K/N compiles every N-th of the kernels' generic forms for a GPU, from the K-th on (0 to N - 1), and a third of the
# others: for builds that are to be looked at and not run there, since all take minutes (kernels/attention/forms.h).
CUDA_FORMS_FLAGS = $(if $(CUDA_FORMS),-DFORMS_SHARE=$(firstword $(subst /, ,$(CUDA_FORMS))) -DFORMS_SHARE_OF=$(lastword $(subst /, ,$(CUDA_FORMS))))
