module fill-go

go 1.24
