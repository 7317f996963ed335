# What can be done with this checkout. Everything installs what it needs (Debian 12, as root for the lab).

SHELL := /bin/bash
LAB   := tests/lab/lab
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help demo demo-down test lint unit-test campaign lab-test lab-test-distributions bench setup clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-22s %s\n", $$1, $$2}' Makefile

demo: ## A cluster on three hosts in namespaces of this machine: raised, converged, asked
	@tests/lab/demo

demo-down: ## Remove every trace of the demo
	@tests/lab/demo --down

setup: ## Install packages and, where it is missing, Rust
	@tests/lab/setup

test: setup lint unit-test lab-test ## Everything that must pass

lint: setup
	cargo fmt --check
	cargo clippy --all-targets --features lab,bugs -- -D warnings

unit-test: setup ## Tests that need no lab; errors that are put in on purpose must be found
	cargo test --features bugs

campaign: ## Random clusters in random troubles: SEEDS=1000000 [FROM=1] [JOBS=2] [INTO=target/campaign]
	cargo build --release --example campaign
	SEEDS=$(SEEDS) FROM=$(FROM) JOBS=$(JOBS) INTO=$(INTO) target/release/examples/campaign

lab-test: setup ## Tests on real hosts and guests
	$(LAB) image
	cargo build --example load
	cargo test --features lab --test ssh_lab -- --test-threads=1
	tests/lab/patiently cargo test --features lab --test lab -- --test-threads=1

lab-test-distributions: setup ## Tests with a whole Debian as the guest, with systemd and OpenRC: many minutes
	cargo test --features lab --test lab -- --test-threads=1 --ignored distributions

bench: setup ## Figures for benches/README.md
	benches/run

clean: ## Remove what was built, and every lab of this checkout
	@for lab in demo test ssh; do LAB=$$lab $(LAB) down; done
	rm -rf .lab
	cargo clean
