# kvm_probe.S: the program that probe_kvm.sh lets a virtual processor run: into 64-bit mode, two hundred million
# instructions, then "done" (0x10) to QEMU's debug port. It is 256 bytes at the end of a 64 KiB BIOS image.
# Its bytes in probe_kvm.sh:
#   as kvm_probe.S -o p.o && ld -Ttext=0 --oformat binary -o p.bin p.o && base64 p.bin
.code16
.globl _start
_start:
  cli
  lgdtl %cs:gdtr - base
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $(code32 - base + 0xF0000)
.code32
code32:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %ss
  movl $0x2003, 0x1000          # page tables: the first 2 MiB as they are
  movl $0x3003, 0x2000
  movl $0x83, 0x3000
  movl $0x1000, %eax
  movl %eax, %cr3
  movl $0x20, %eax
  movl %eax, %cr4
  movl $0xC0000080, %ecx
  rdmsr
  orb $1, %ah
  wrmsr
  movl %cr0, %eax
  orl $0x80000000, %eax
  movl %eax, %cr0
  ljmpl $24, $(code64 - base + 0xF0000)
.code64
code64:
  movl $100000000, %ecx
1:
  decl %ecx
  jnz 1b
  movb $0x10, %al
  outb %al, $0xf4
2:
  hlt
  jmp 2b
.balign 8
gdt:
  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
gdtr:
  .word 31
  .long gdt - base + 0xF0000
.org 0xF0
.code16
  jmp _start                    # where a processor starts: 16 bytes before the end
.org 0x100
.set base, _start - 0xFF00
