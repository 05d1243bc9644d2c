# make demo    the whole chain on a few photographs; leaves a report and images in demo-out/
# make test    everything a change must pass
# make setup   the environment .venv that both use (they make it by themselves)
# make peers   edgeir against TensorFlow, needs a quiet machine
# make evidence the papers' schemes on and off, three seeds each; hours, goes on where it was stopped
# make matrix  every network in every format and precision; an hour or two, goes on where it was stopped
# make runner  edgeir's runner for phones and boards, for every processor whose compiler is here, into build/runner
# make arm64-setup  what the emulated phone needs: Debian packages, and TensorFlow Lite's library from Maven
# make arm64   the tests on the emulated phone
# make phone-test  the tests on a phone made of real parts (adb, adbd, emulated processor); sets it up in build/phone
# make android-setup  what building the Android app needs: a JDK, Maven, apksigner, and what Maven fetches
# make android the library for Android apps and the app, built and tested; needs JDK 17 and Maven
# make web     the page that restores photos in a browser, into export/web/dist; needs Node.js 20.19 or newer
# make web-test its tests, in a Chromium
# make ray-test  the tests on a Ray cluster of two processes; installs Ray
# make lowest  the tests that need no torch, with the lowest version of every dependency
# make test-all, make format, make dist, make clean

VENV   := .venv
STAMP  := $(VENV)/.edgeir-setup
# Windows, in Git Bash: programs lie elsewhere, and the LiteRT and Core ML converters have no build for it.
ifeq ($(OS),Windows_NT)
BIN    := $(VENV)/Scripts
EXTRAS := run,train,onnx,ncnn,hdf5,heif,dev
else
BIN    := $(VENV)/bin
EXTRAS := train,onnx,nncf,spandrel,litert,coreml,ncnn,hdf5,heif,dev
endif
# Extra words for pip, for example a package index of PyTorch's CPU builds.
PIP_FLAGS ?=
PYTEST_FLAGS ?=

# Two test processes on two cores: one thread each.
test test-all: export OMP_NUM_THREADS ?= 1

.PHONY: setup demo test test-all ray-test lint lowest peers evidence matrix runner arm64-setup arm64 phone-test android-setup android web web-test format dist clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@set -eu; if [ ! -x $(BIN)/python ]; then \
	  found=; \
	  for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	    if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	    then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "make setup: no Python 3.11 or newer with venv and ensurepip was found" \
	      "(install one, or name it: make setup PYTHON=/path/to/python3.11)" >&2; exit 2; \
	  fi; \
	  "$$found" -m venv $(VENV); \
	fi
	@echo "installing edgeir and what it needs into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: $(STAMP)
	$(BIN)/edgeir demo --out demo-out --overwrite

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy edgeir
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -m "not slow" -n 2 $(PYTEST_FLAGS)

test-all: lint
	$(BIN)/pytest -n 2 $(PYTEST_FLAGS)

# Ray is 500 MB, so `make setup` leaves it out.
ray-test: export OMP_NUM_THREADS ?= 1
ray-test: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[ray]'
	$(BIN)/pytest tests/restoring/engines $(PYTEST_FLAGS)

# An environment of its own, with the lower bounds of pyproject.toml.
lowest: $(STAMP)
	$(BIN)/python tools/lowest.py

# The same network built by hand in TensorFlow, in an environment of its own, timed against edgeir's file.
peers: $(STAMP)
	@test -x .venv-tf/bin/python || { $(BIN)/python -m venv .venv-tf && \
	  .venv-tf/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0; }
	$(BIN)/python benchmarks/peers/run.py

# What each scheme of the papers brings at small scale; one study after the other, results in benchmarks/results.
STUDIES := ppcn-kd stft-dncnn stft-arcnn stft-edsr danet-init fdrnet-ablation stft-alternatives stft-distances
evidence: $(STAMP)
	set -e; for study in $(STUDIES); do \
	  $(BIN)/edgeir study benchmarks/studies/$$study.yaml --out benchmarks/results --overwrite; done
	$(BIN)/python benchmarks/high_level.py

# Every network in every format and precision; an hour or two, goes on where it was stopped.
matrix: $(STAMP)
	$(BIN)/python benchmarks/matrix.py --size small paper

runner: $(STAMP)
	$(BIN)/python -m edgeir.devices.runner.built build/runner

arm64-setup:
	sh export/runner/setup.sh

# Skipped, with the reason, where the emulator, the compiler or the library is missing.
arm64: $(STAMP)
	$(BIN)/pytest -m arm64 $(PYTEST_FLAGS)

# Skipped, with the reason, where a part is missing.
phone-test: $(STAMP)
	sh tools/phone_standin.sh setup build/phone
	$(BIN)/pytest -m phone tests/devices/phone $(PYTEST_FLAGS)

# The compiler that the lines of Kotlin are checked with, and the library that those for ONNX use.
KOTLIN := org.jetbrains.kotlin:kotlin-compiler-embeddable:2.2.20 com.microsoft.onnxruntime:onnxruntime:1.20.0
android-setup: $(STAMP)
	sh export/android/setup.sh
	$(BIN)/python -m edgeir.android.artifacts
	for artifact in $(KOTLIN); do mvn -B -q dependency:get -Dartifact=$$artifact; done

# What the tests need is made first, TensorFlow Lite's library for the JVM among it. Maven keeps what it fetches.
TFLITE := org.tensorflow:tensorflow-lite:2.16.1:aar
FETCH  := mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get -Dtransitive=false
# Android 15 and 8.0 as Robolectric runs them, 370 MB: without them the library is tested, and the app left out.
ROBOLECTRIC := 15-robolectric-13954326-i7 8.0.0_r4-robolectric-r1-i7
android: export OMP_NUM_THREADS ?= 1
android: $(STAMP)
	@command -v mvn > /dev/null || { \
	  echo "make android: Maven is not installed (apt-get install maven openjdk-17-jdk-headless)" >&2; exit 2; }
	@test -n "$$EDGEIR_TFLITE" || test -d "$$HOME/.m2/repository/org/tensorflow/tensorflow-lite/2.16.1" || \
	  $(FETCH) -Dartifact=$(TFLITE)
	$(BIN)/python tools/android_data.py export/android/build/data
	@cd export/android; only=; for version in $(ROBOLECTRIC); do \
	  ls "$$HOME/.m2/repository/org/robolectric/android-all-instrumented/$$version/"*.jar > /dev/null 2>&1 || \
	  $(FETCH) -Dartifact=org.robolectric:android-all-instrumented:$$version || only=-Dlibrary.only; \
	done; \
	test -z "$$only" || echo "make android: Robolectric cannot be fetched, so the app is not tested" >&2; \
	mvn -B -ntp verify $$only $(MAVEN_FLAGS)
	$(BIN)/pytest -m android tests/android tests/exporting/test_kotlin.py $(PYTEST_FLAGS)

# The page for the browser; npm takes what package.json pins.
web:
	cd export/web && npm install && npm run build

web-test: export OMP_NUM_THREADS ?= 1
web-test: web $(STAMP)
	cd export/web && npm run check && npm test
	$(BIN)/pytest tests/devices/browser tests/restoring/test_tile_vectors.py $(PYTEST_FLAGS)

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

dist: $(STAMP)
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf dist build demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
