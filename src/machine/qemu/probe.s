# The boot sector of probe.ts: enters long mode as a kernel does, runs some 20 million instructions and a little SSE, and
# leaves by isa-debug-exit. Where KVM is there but broken, it never gets so far (Intel SDM 3A, 10.8.5, "Initializing
# IA-32e Mode").
#   as --64 -o probe.o probe.s && ld -Ttext 0x7c00 -e 0x7c00 --oformat binary -o probe.bin probe.o && base64 -w0 probe.bin
.code16
.org 0
start:
  cli
  xorw %ax,%ax
  movw %ax,%ds
  movw %ax,%es
  movw %ax,%ss
  movw $0x7c00,%sp
  # page tables at 0x1000: PML4 -> PDPT(0x2000) -> PD(0x3000) one 2M page
  movw $0x1000,%di
  xorl %eax,%eax
  movw $0xc00,%cx
  cld
  rep stosl
  movl $0x2003,0x1000
  movl $0x3003,0x2000
  movl $0x83,0x3000
  lgdt gdtr
  movl $0x1000,%eax
  movl %eax,%cr3
  movl %cr4,%eax
  orl $0x620,%eax
  movl %eax,%cr4
  movl $0xc0000080,%ecx
  rdmsr
  orl $0x100,%eax
  wrmsr
  movl %cr0,%eax
  andl $0xfffffffb,%eax
  orl $0x80000003,%eax
  movl %eax,%cr0
  ljmp $8,$long
.code64
long:
  movl $1,%eax
  cpuid
  testl $1,%ecx
  jz fail
  movl $20000000,%ecx
1: addq $3,%rax
  decl %ecx
  jnz 1b
  movq $7,%rax
  movq %rax,%xmm0
  paddq %xmm0,%xmm0
  movq %xmm0,%rbx
  cmpq $14,%rbx
  jne fail
  movb $0x10,%al
  outb %al,$0xf4
fail:
  movb $0x11,%al
  outb %al,$0xf4
2: hlt
  jmp 2b
.align 8
gdt: .quad 0
 .quad 0x00209a0000000000
gdtr: .word 15
 .long gdt
